"""Take what providers post: each event once, with its effects, in one commit."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone

from campaigns.incoming.failure_reasons import diagnose, reply_in, statuses_in
from campaigns.incoming.mime import MAX_BYTES
from campaigns.models import DeliveryEvent, Email, IncomingMessage, ProviderFeed
from campaigns.receiving.acting import act
from campaigns.receiving.attributing import ANSWERS_WITHIN
from campaigns.receiving.providers import WrongSignature, read_events
from campaigns.receiving.verdicts import Told, take
from campaigns.states import REACHED
from fliptech_site.errors import InvalidInput
from leads.suppression import normalise_address

_Kind = DeliveryEvent.Kind
_KINDS = {
    "queued": _Kind.ACCEPTED,
    "sent": _Kind.ACCEPTED,
    "delivered": _Kind.DELIVERED,
    "deferred": _Kind.DELAYED,
    "rejected": _Kind.REFUSED,
    "failed": _Kind.REFUSED,
    "complained": _Kind.COMPLAINT,
    "autoresponded": _Kind.AUTO_REPLY,
    "opened": _Kind.OPEN,
    "clicked": _Kind.CLICK,
    "unsubscribed": _Kind.UNSUBSCRIBE,
}


def take_post(feed: ProviderFeed, request: HttpRequest, *, url: str) -> int:
    """Check, keep and act on one post; returns how many of its events are new.

    Raises WrongSignature (counted at the feed) and InvalidInput.
    """
    try:
        events = read_events(feed, request, url=url)
    except WrongSignature:
        _count(feed, "refused")
        raise
    message_ids: list[int] = []
    new = 0
    with transaction.atomic():
        for event in events:
            if feed.content == ProviderFeed.Content.INBOUND:
                message_ids += _store_message(feed, event)
            else:
                new += take(_told(feed, event))
        _count(feed, "taken")
    for pk in message_ids:
        act(pk)
    return new + len(message_ids)


def _told(feed: ProviderFeed, event: Any) -> Told:
    at = event.timestamp or timezone.now()
    address = str(event.recipient or "")
    words = " ".join(str(event.mta_response or event.description or "").split())
    kind, status, reason = _judged(event, words)
    return Told(
        account_id=feed.account_id,
        source=feed.provider,
        event_id=_event_id(event, address),
        kind=kind,
        email=_email_of(feed, event, address, at),
        address=address.lower(),
        at=at,
        status=status,
        reason=reason,
        words=words,
        url=str(event.click_url or ""),
        agent=str(event.user_agent or ""),
    )


def _judged(event: Any, words: str) -> tuple[DeliveryEvent.Kind, str, str]:
    """Return the kind, the enhanced status and the reason."""
    kind = _KINDS.get(event.event_type, _Kind.OTHER)
    found = diagnose(words)
    # Some call it rejected when the recipient's server refused it.
    is_bounce = event.event_type == "bounced" or (
        kind == _Kind.REFUSED and bool(statuses_in(words) or reply_in(words))
    )
    if not is_bounce:
        return kind, "", str(event.reject_reason or "")
    if found.is_hard:
        return _Kind.HARD, found.status, found.reason
    says_never = event.reject_reason in ("bounced", "invalid")
    if found.reason == "unknown" and says_never and found.status[:1] != "4":
        # Nothing in the words; the provider has seen more than it tells.
        return _Kind.HARD, found.status if words else "", str(event.reject_reason)
    return _Kind.SOFT, found.status, found.reason


def _event_id(event: Any, address: str) -> str:
    """Tell events apart: some ids are the mail's, and some change when told again."""
    parts = (
        event.event_type,
        event.event_id,
        event.message_id,
        address.lower(),
        event.timestamp.isoformat() if event.timestamp else "",
        event.click_url,
    )
    text = "\x1f".join(str(part or "") for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def _email_of(
    feed: ProviderFeed, event: Any, address: str, at: datetime
) -> Email | None:
    """Find the mail by the id that the provider or we gave it, else by the address."""
    emails = Email.objects.filter(account_id=feed.account_id, state__in=REACHED)
    # Our own id comes back where the answer with the provider's was lost.
    for named in (event.message_id, (event.metadata or {}).get("message_id")):
        bare = str(named or "").strip("<>")
        by_id = Q(message_id=f"<{bare}>") | Q(provider_id__in=[str(named), bare])
        if bare and (found := emails.filter(by_id).first()) is not None:
            return found
    try:
        usual = normalise_address(address)
    except InvalidInput:
        return None
    return (
        emails.filter(address=usual, claimed_at__gte=at - ANSWERS_WITHIN)
        .exclude(kind=Email.Kind.TEST)
        .order_by("-claimed_at")
        .first()
    )


def _store_message(feed: ProviderFeed, event: Any) -> list[int]:
    """Keep a mail that came in through a provider; its id when it is to be acted on."""
    if event.message is None:
        return []
    raw = event.message.as_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    IncomingMessage.objects.bulk_create(
        [
            IncomingMessage(
                account_id=feed.account_id,
                folder=feed.provider,
                digest=digest,
                raw=raw[:MAX_BYTES],
                is_cut=len(raw) > MAX_BYTES,
                received_at=timezone.now(),
            )
        ],
        ignore_conflicts=True,
    )
    return list(
        IncomingMessage.objects.filter(
            account_id=feed.account_id, digest=digest, handled_at__isnull=True
        ).values_list("pk", flat=True)
    )


def _count(feed: ProviderFeed, what: str) -> None:
    ProviderFeed.objects.filter(pk=feed.pk).update(
        **{what: F(what) + 1, f"{what}_at": timezone.now()}
    )
