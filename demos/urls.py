"""Pages of this room."""

from __future__ import annotations

from django.urls import path

from demos import views

urlpatterns = [
    path("d/<str:token>/", views.show, name="demo_site"),
    path("d/<str:token>/seen", views.seen, name="demo_site_seen"),
    path("robots.txt", views.robots, name="robots"),
]
