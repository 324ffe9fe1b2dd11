"""Keep answers as rows and use them again: fresh ones without asking, old ones confirmed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import replace

from django.utils import timezone
from requests.structures import CaseInsensitiveDict

from fliptech_site.outbound import Response
from leads.caching_rules import KEPT_HEADERS, freshness, validators
from leads.models import StoredPage
from leads.pages import storable

#: Larger bodies are not kept; what is read of a page is no longer than that.
_MAX_BODY = 2 * 1024 * 1024


class PageStore:
    """The stored answers during one fetch; remembers what was used of them."""

    def __init__(self) -> None:
        self.reuse = ""
        self._known: StoredPage | None = None

    def fresh(self, url: str) -> Response | None:
        """Give the stored answer if it may be used without asking."""
        self._known = StoredPage.objects.filter(pk=_key(url), url=url[:2000]).first()
        if self._known is None or self._known.fresh_until <= timezone.now():
            return None
        answer = _answer(self._known)
        if answer is not None:
            self.reuse = "fresh"
        return answer

    def validators(self, url: str) -> Mapping[str, str]:
        """Give the headers that ask whether the stored answer still holds."""
        known = self._known
        return validators(known.headers) if known and known.url == url[:2000] else {}

    def settle(self, url: str, answer: Response) -> Response:
        """Keep an answer that may be kept; give the stored one for a 304."""
        known = self._known
        if answer.status == 304 and known is not None:
            stored = _answer(known)
            if stored is not None:
                _confirm(known, _headers(answer))
                self.reuse = "confirmed"
                return replace(stored, elapsed_ms=answer.elapsed_ms)
        _keep(url, answer)
        return answer


def _key(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()


def content_hash(body: bytes) -> str:
    """Give what tells one body from another."""
    return hashlib.sha256(body).hexdigest()


def _headers(answer: Response) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in answer.headers.items()}
    return {
        name: storable(lowered[name])[:1000]
        for name in (*KEPT_HEADERS, "pragma")
        if name in lowered
    }


def _keep(url: str, answer: Response) -> None:
    headers, now = _headers(answer), timezone.now()
    allowed = freshness(headers, status=answer.status, now=now)
    is_whole = not answer.is_truncated and len(answer.body) <= _MAX_BODY
    if not allowed.may_store or not is_whole:
        if answer.status in (200, 404, 410):
            # What was stored is not the page any more.
            StoredPage.objects.filter(pk=_key(url)).delete()
        return
    StoredPage.objects.update_or_create(
        key=_key(url),
        defaults={
            "url": url[:2000],
            "status": answer.status,
            "headers": headers,
            "body": zlib.compress(answer.body, 6),
            "size": len(answer.body),
            "content_hash": content_hash(answer.body),
            "confirmed_at": now,
            "fresh_until": now + allowed.lifetime,
        },
    )


def _confirm(known: StoredPage, headers: dict[str, str]) -> None:
    """Take over what a 304 says about the stored answer (RFC 9111, section 3.2)."""
    now = timezone.now()
    merged = {**known.headers, **headers}
    if "age" not in headers:
        merged.pop("age", None)
    if "date" not in headers:
        merged.pop("date", None)
    lifetime = freshness(merged, status=known.status, now=now).lifetime
    StoredPage.objects.filter(pk=known.pk).update(
        headers=merged, confirmed_at=now, fresh_until=now + lifetime
    )


def _answer(known: StoredPage) -> Response | None:
    try:
        body = zlib.decompress(bytes(known.body))
    except zlib.error:
        return None
    return Response(
        url=known.url,
        status=known.status,
        headers=CaseInsensitiveDict(known.headers),
        body=body,
        is_truncated=False,
        elapsed_ms=0,
    )
