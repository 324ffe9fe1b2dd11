"""The pages that a mail's links open."""

from __future__ import annotations

import base64

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.links import read_click, read_pixel, read_trap, read_unsubscribe
from campaigns.models import TrackingEvent
from campaigns.tracking import Asked, record
from campaigns.unsubscribing import Scope
from campaigns.unsubscribing import unsubscribe as stop
from fliptech_site.errors import InvalidInput

#: One transparent pixel.
_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@require_safe
@never_cache
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """Answer a mail's open pixel; the picture comes whatever the token says."""
    try:
        email_id = read_pixel(token)
    except InvalidInput:
        return HttpResponse(_GIF, content_type="image/gif", status=404)
    record(email_id, TrackingEvent.Kind.OPEN, _asked(request))
    return HttpResponse(_GIF, content_type="image/gif")


@require_safe
@never_cache
def clicked(request: HttpRequest, token: str) -> HttpResponse:
    """Count a click and lead on to the signed target."""
    try:
        click = read_click(token)
    except InvalidInput as error:
        return _page(request, "broken", status=404, sentence=str(error))
    record(click.email_id, TrackingEvent.Kind.CLICK, _asked(request), url=click.url)
    response = HttpResponseRedirect(click.url)
    # Neither the target nor what it loads learns of the mail.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@require_safe
@never_cache
def trapped(request: HttpRequest, token: str) -> HttpResponse:
    """Answer the hidden link with nothing: only a machine follows it."""
    try:
        email_id = read_trap(token)
    except InvalidInput:
        return HttpResponse(status=404)
    record(email_id, TrackingEvent.Kind.TRAP, _asked(request))
    return HttpResponse(status=204)


# A mail program posts without a cookie (RFC 8058, section 3.1); the signed token in
# the address is what proves that the request comes from the mail.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page on GET, unsubscribe on POST only.

    Scanners of mail servers follow every link, so a GET must not change anything. What a
    mail program posts (RFC 8058) stops everything; only the page's second button stops
    one campaign.
    """
    try:
        email_id = read_unsubscribe(token)
    except InvalidInput as error:
        return _page(request, "broken", status=404, sentence=str(error))
    if request.method != "POST":
        return _page(request, "ask")
    is_campaign = request.POST.get("scope") == "campaign"
    scope = Scope.CAMPAIGN if is_campaign else Scope.EVERYTHING
    if stop(email_id, _asked(request), scope=scope):
        return _page(request, "done_campaign" if is_campaign else "done")
    return _page(request, "nothing")


def _page(
    request: HttpRequest, step: str, *, status: int = 200, sentence: str = ""
) -> HttpResponse:
    response = render(
        request,
        "campaigns/unsubscribe.html",
        {"step": step, "sentence": sentence},
        status=status,
    )
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _asked(request: HttpRequest) -> Asked:
    return Asked(request.method or "", request.headers, _address(request))


def _address(request: HttpRequest) -> str:
    """Give the client's address; behind a proxy of ours, the one that it saw."""
    if settings.SECURE_PROXY_SSL_HEADER:
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if seen:
            return seen
    return str(request.META.get("REMOTE_ADDR", ""))
