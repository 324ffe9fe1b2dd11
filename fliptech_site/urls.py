"""Mount admin and the rooms' own pages, which settings name as strings."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from fliptech_site.views import healthz, metrics

admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("metrics", metrics),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    *(path("", include(module)) for module in settings.URL_MODULES),
]
