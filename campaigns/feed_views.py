"""Where providers post what became of mails."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.models import ProviderFeed
from fliptech_site.errors import InvalidInput

log = logging.getLogger(__name__)


# A provider posts without a cookie; its signature is what proves who it is.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def feed(request: HttpRequest, key: UUID) -> HttpResponse:
    """Take a provider's post: 403 unless it is signed, 200 also for what is known.

    GET and HEAD answer 200 and nothing else: some providers ask before they post.
    """
    # Anymail's parsers, and what they bring, only where a provider really posts.
    from campaigns.receiving.provider_events import take_post
    from campaigns.receiving.providers import WrongSignature

    row = (
        ProviderFeed.objects.select_related("account")
        .filter(key=key, is_enabled=True)
        .first()
    )
    if row is None:
        return HttpResponse(status=404)
    if request.method != "POST":
        return HttpResponse()
    try:
        new = take_post(row, request, url=f"{settings.PUBLIC_URL}{row.path}")
    except WrongSignature as error:
        log.warning("A post to %s was refused: %s", row, error)
        return HttpResponse(status=403)
    except InvalidInput as error:
        log.warning("A signed post to %s can't be read: %s", row, error)
        return HttpResponse(status=400)
    return HttpResponse(str(new), content_type="text/plain")
