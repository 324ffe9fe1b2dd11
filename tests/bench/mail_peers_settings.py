"""Settings of the peers that queue mail in a table: django-post_office, django-mailer.

Ours with theirs added, since they send the mails that our own code writes.
"""

from __future__ import annotations

import os

from fliptech_site.settings import *  # noqa: F403 - all of them
from fliptech_site.settings import INSTALLED_APPS, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "post_office", "mailer"]
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ["BENCH_SMTP_PORT"])
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MAILER_EMAIL_BACKEND = EMAIL_BACKEND
MAILER_USE_FILE_LOCK = False
TEMPLATES = [
    *TEMPLATES,
    {
        "BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates",
        "APP_DIRS": False,
        "DIRS": [],
        "OPTIONS": {},
    },
]
POST_OFFICE = {
    "BACKENDS": {"default": EMAIL_BACKEND},
    "THREADS_PER_PROCESS": int(os.environ["BENCH_CONNECTIONS"]),
    "BATCH_SIZE": int(os.environ["BENCH_TOGETHER"]),
}
# Their lines of each batch cost them time.
LOGGING = {"version": 1, "disable_existing_loggers": False}
