"""Pages of this room: what a mail's links open."""

from __future__ import annotations

from django.urls import include, path

from campaigns import feed_views, views

_pages = (
    [
        path("u/<str:token>/", views.unsubscribe, name="unsubscribe"),
        path("c/<str:token>/", views.clicked, name="click"),
        path("o/<str:token>.gif", views.opened, name="open"),
        path("h/<str:token>/", views.trapped, name="trap"),
        path("feed/<uuid:key>/", feed_views.feed, name="feed"),
    ],
    "campaigns",
)
urlpatterns = [path("m/", include(_pages))]
