"""The WSGI entry for gunicorn: `gunicorn fliptech_site.wsgi`."""

from __future__ import annotations

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fliptech_site.settings")
application = get_wsgi_application()
# Admin's pages are imported now, and not while the first visitor waits.
import_module(settings.ROOT_URLCONF)
