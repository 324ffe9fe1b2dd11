"""Serve demo sites under their unguessable addresses."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from demos.counting import count_hit, count_view
from demos.models import DemoSite
from demos.publishing import page_path

logger = logging.getLogger(__name__)

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self';"
    " font-src data:; script-src {script}; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
#: One text for each status, so that an answer tells nothing about the address.
_NOTICES = {
    404: ("There is no page here", "Please check the address: every letter counts."),
    410: (
        "This proposal is no longer online",
        "Its time is over. Whoever sent you the link can put up a new one.",
    ),
    503: ("This page is being prepared", "Please try again in a minute."),
}
_ROBOTS = "noindex, nofollow, noarchive"


@require_safe
def show(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the published page, 404 for an unknown address, 410 for a past one."""
    site = DemoSite.objects.select_related("lead").filter(token=token).first()
    if site is None:
        return _notice(request, 404)
    if not site.is_live:
        return _notice(request, 503 if _is_coming(site) else 410)
    try:
        page = page_path(site.token, site.build).read_bytes()
    except FileNotFoundError:
        logger.exception("The page of demo site %s is not on disk.", site.pk)
        return _notice(request, 503)
    if request.method == "GET":
        count_hit(site, request)
    tag = f'"{site.build}"'
    response = HttpResponse(page, headers={"ETag": tag, "Content-Length": len(page)})
    answer = get_conditional_response(request, etag=tag, response=response)
    if request.method == "HEAD":
        # Servers drop the body of such an answer, and complain that there was one.
        response.content = b""
    return _guard(answer or response, f"'sha256-{site.script_hash}'")


@csrf_exempt
@require_POST
def seen(request: HttpRequest, token: str) -> HttpResponse:
    """Count a view; the page sends this after it was visible for two seconds."""
    site = DemoSite.objects.live().filter(token=token).first()
    if site is None:
        return HttpResponse(status=404)
    count_view(site, request)
    return HttpResponse(status=204)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Ask crawlers to leave everything here alone."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


def _is_coming(site: DemoSite) -> bool:
    return site.state == DemoSite.State.BUILDING


def _notice(request: HttpRequest, status: int) -> HttpResponseBase:
    title, text = _NOTICES[status]
    context = {"title": title, "text": text}
    response = render(request, "demos/notice.html", context, status=status)
    if status == 503:
        response["Retry-After"] = "60"
    guarded = _guard(response, "'none'")
    guarded["Cache-Control"] = "no-store"
    return guarded


def _guard(response: HttpResponseBase, script: str) -> HttpResponseBase:
    response["Content-Security-Policy"] = _POLICY.format(script=script)
    response["X-Robots-Tag"] = _ROBOTS
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, max-age=300"
    response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    return response
