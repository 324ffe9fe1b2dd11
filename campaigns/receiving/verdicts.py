"""What becomes of an address and a sequence when a server or a provider tells of a mail.

Called in the transaction that keeps the event, so each has its effect once; none depends
on an earlier one, so they may come in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from campaigns.guarding import review
from campaigns.models import DeliveryEvent, Email, Recipient, TrackingEvent
from campaigns.receiving.evidence import settle_by
from campaigns.states import SkipReason, StopReason
from campaigns.stopping import skip_waiting_mails, stop_all
from campaigns.tracking import Asked, record
from campaigns.unsubscribing import unsubscribe
from leads.suppression import suppress

#: So many soft bounces among so many of the latest mails make an address a dead one.
SOFT_LIMIT = 3
SOFT_AMONG = 5

_Kind = DeliveryEvent.Kind
#: What a provider saw where its own pixel and links stand in the mail.
_VISITS = {
    _Kind.OPEN: TrackingEvent.Kind.OPEN,
    _Kind.CLICK: TrackingEvent.Kind.CLICK,
}
#: Why a provider did not even try, where that is about the address.
_ON_ITS_LIST = {"bounced", "invalid", "unsubscribed"}

#: What each event proves of a mail in doubt, and how it is said; the others prove nothing.
_PROVES = {
    _Kind.ACCEPTED: (True, "the provider took it."),
    _Kind.DELIVERED: (True, "the provider says that it was delivered."),
    _Kind.DELAYED: (True, "a server has it and goes on trying."),
    _Kind.COMPLAINT: (True, "the person complained about it."),
    _Kind.AUTO_REPLY: (True, "a machine answered it."),
    _Kind.HARD: (False, "it bounced."),
    _Kind.SOFT: (False, "it bounced."),
    _Kind.REFUSED: (False, "the provider refused it."),
}
_EVIDENCE_KIND = {
    _Kind.COMPLAINT: "complaint",
    _Kind.AUTO_REPLY: "auto_reply",
    _Kind.HARD: "bounce",
    _Kind.SOFT: "bounce",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody tells of one mail."""

    account_id: int
    source: str
    #: The same for the same event, however often it is told.
    event_id: str
    kind: DeliveryEvent.Kind
    #: None: it is about none of our mails; then nothing comes of it.
    email: Email | None
    address: str
    at: datetime
    status: str = ""
    reason: str = ""
    words: str = ""
    #: Of an opening or a click that a provider tells of.
    url: str = ""
    agent: str = ""


def take(told: Told) -> bool:
    """Keep an event and let it have its effects; False when it is known already.

    Runs in the caller's transaction.
    """
    _, is_new = DeliveryEvent.objects.get_or_create(
        account_id=told.account_id,
        event_id=told.event_id[:200],
        defaults={
            "source": told.source,
            "kind": told.kind,
            "email": told.email,
            "address": told.address[:254],
            "status": told.status[:12],
            "reason": told.reason[:20],
            "words": told.words.replace("\x00", "")[:500],
            # Nothing comes from the future.
            "happened_at": min(told.at, timezone.now()),
        },
    )
    if is_new and told.email is not None and told.email.kind != Email.Kind.TEST:
        _let_act(told, told.email)
    return is_new


def prove(email_id: int, kind: str, *, at: datetime) -> bool:
    """Settle a mail in doubt by an event of this kind; False where it proves nothing."""
    proof = _PROVES.get(_Kind(kind))
    if proof is None:
        return False
    arrived, sentence = proof
    evidence_kind = _EVIDENCE_KIND.get(_Kind(kind), "provider")
    return settle_by(email_id, evidence_kind, sentence, arrived=arrived, at=at)


def _let_act(told: Told, email: Email) -> None:
    prove(email.pk, told.kind, at=told.at)
    if told.kind == _Kind.HARD:
        _stamp(email, "bounced_at", told.at)
        _review(email)
        why = " ".join(part for part in (told.status, told.reason) if part)
        _give_up_address(email, f"hard bounce ({why})"[:200], StopReason.BOUNCED)
    elif told.kind == _Kind.SOFT:
        _stamp(email, "bounced_at", told.at)
        _review(email)
        if _bounces_softly(email.address):
            _give_up_address(
                email,
                f"{SOFT_LIMIT} of the last {SOFT_AMONG} mails bounced",
                StopReason.BOUNCED,
            )
    elif told.kind == _Kind.COMPLAINT:
        _stamp(email, "complained_at", told.at)
        _review(email)
        _give_up_address(email, "complained about a mail", StopReason.COMPLAINED)
    elif told.kind == _Kind.REFUSED and told.reason in _ON_ITS_LIST:
        _give_up_address(
            email,
            f"refused by the provider ({told.reason})",
            StopReason.UNSUBSCRIBED
            if told.reason == "unsubscribed"
            else StopReason.BOUNCED,
        )
    elif told.kind == _Kind.UNSUBSCRIBE:
        unsubscribe(email.pk)
    elif told.kind in _VISITS:
        asked = Asked("GET", {"User-Agent": told.agent})
        record(email.pk, _VISITS[told.kind], asked, url=told.url, at=told.at)


def _give_up_address(email: Email, reason: str, why: StopReason) -> None:
    """Never write to the address of a mail again, whatever campaign it is in."""
    suppress(email.address, reason=reason)
    skip_waiting_mails(
        Email.objects.filter(address=email.address),
        SkipReason.SUPPRESSED,
        f"Nothing more goes to this address: {reason}.",
    )
    stop_all(Recipient.objects.filter(address=email.address), why)


def _review(email: Email) -> None:
    if email.campaign_id is not None:
        review(email.campaign_id)


def _stamp(email: Email, field: str, at: datetime) -> None:
    """Set a time once, to the earliest that was told."""
    Email.objects.filter(pk=email.pk).update(
        **{field: Least(Coalesce(field, at), at)}, updated_at=timezone.now()
    )


def _bounces_softly(address: str) -> bool:
    """Say whether 3 of the last 5 mails to an address bounced, each counted once."""
    failed = DeliveryEvent.objects.filter(
        email=OuterRef("pk"), kind__in=[_Kind.SOFT, _Kind.HARD]
    )
    latest = (
        Email.objects.filter(address=address, claimed_at__isnull=False)
        .exclude(kind=Email.Kind.TEST)
        .order_by("-claimed_at")
        .annotate(has_bounced=Exists(failed))
        .values_list("has_bounced", flat=True)[:SOFT_AMONG]
    )
    return sum(latest) >= SOFT_LIMIT
