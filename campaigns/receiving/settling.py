"""Settle mails in doubt: by what is known already, the folder of sent mail, or time.

None is ever sent again by itself. What nobody knows anything about is taken for sent when
the grace period is over, with a row that says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from campaigns.claiming import settle_doubt
from campaigns.models import (
    DeliveryEvent,
    Email,
    Evidence,
    IncomingMessage,
    Mailbox,
    TrackingEvent,
)
from campaigns.receiving.evidence import settle_by
from campaigns.receiving.imap import Session, opened
from campaigns.receiving.reading import place_of
from campaigns.receiving.verdicts import prove
from campaigns.states import EmailState
from fliptech_site.errors import FlipTechError, InvalidInput

log = logging.getLogger(__name__)

#: Mails of one run; the next one takes the rest.
_LIMIT = 500
#: A copy may take a moment to appear among what was sent.
_SOON = timedelta(minutes=2)


def settle_doubtful() -> dict[str, int]:
    """Look for evidence about every mail in doubt, and end what waited too long."""
    now = timezone.now()
    counts = {"settled": 0, "looked_up": 0, "given_up": 0}
    doubtful = list(
        Email.objects.filter(
            state=EmailState.IN_DOUBT, data_started_at__lt=now - _SOON
        ).order_by("account_id", "data_started_at")[:_LIMIT]
    )
    told_of = _told_of([email.pk for email in doubtful])
    open_ones = []
    for email in doubtful:
        if email.pk in told_of and _settle_by_what_is_known(email.pk):
            counts["settled"] += 1
        else:
            open_ones.append(email)
    for account_id, emails in groupby(open_ones, key=lambda email: email.account_id):
        _look_among_sent(account_id, list(emails), counts)
    counts["given_up"] = _give_up(now)
    return counts


def settle_by_hand(
    email_id: int, *, arrived: bool, reason: str, user: AbstractBaseUser
) -> None:
    """Settle a mail in doubt on a person's word.

    Raises InvalidInput without a reason, and for a mail that is not in doubt (any more).
    """
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput("Say how you know: somebody may ask later.")
    word = "arrived" if arrived else "did not arrive"
    if not settle_doubt(
        email_id, arrived=arrived, evidence=f"{user} says that it {word}: {reason}"
    ):
        raise InvalidInput(f"E-mail {email_id} is not in doubt.")
    Evidence.objects.create(
        email_id=email_id,
        kind=Evidence.Kind.HAND,
        arrived=arrived,
        detail=reason[:500],
        user_id=user.pk,
        happened_at=timezone.now(),
    )


def _told_of(email_ids: list[int]) -> set[int]:
    """Give those of the mails of which anything is known at all."""
    found: set[int] = set()
    for model in (DeliveryEvent, IncomingMessage, TrackingEvent):
        rows = model._default_manager.filter(email__in=email_ids)
        found.update(rows.order_by().values_list("email_id", flat=True).distinct())
    return found


def _settle_by_what_is_known(email_id: int) -> bool:
    """Use what came while the mail was still taken for under way."""
    events = DeliveryEvent.objects.filter(email=email_id).order_by("happened_at")
    for kind, at in events.values_list("kind", "happened_at"):
        if prove(email_id, kind, at=at):
            return True
    answer = IncomingMessage.objects.filter(
        email=email_id, kind__in=["reply", "auto_reply"]
    ).first()
    if answer is not None:
        sentence = f"it was answered ({answer.get_kind_display()})."
        return settle_by(email_id, answer.kind, sentence, at=answer.received_at)
    seen = (
        TrackingEvent.objects.filter(email=email_id, is_human=True)
        .order_by("created_at")
        .first()
    )
    if seen is not None:
        sentence = f"it was {seen.get_kind_display()}."
        return settle_by(email_id, seen.kind, sentence, at=seen.created_at)
    return False


def _look_among_sent(
    account_id: int, emails: list[Email], counts: dict[str, int]
) -> None:
    for mailbox in Mailbox.objects.filter(
        account_id=account_id, is_enabled=True
    ).select_related("account"):
        try:
            with opened(place_of(mailbox)) as session:
                _look_in(session, mailbox, emails, counts)
        except FlipTechError as error:
            # The mailbox's own reading tells of its trouble; the others go on.
            log.warning("The mailbox %s can't be searched: %s", mailbox, error)


def _look_in(
    session: Session, mailbox: Mailbox, emails: Iterable[Email], counts: dict[str, int]
) -> None:
    for email in emails:
        assert email.message_id is not None
        has_it = session.has_sent(email.message_id, mailbox.sent_folder)
        if has_it is None:  # There is no such folder.
            return
        counts["looked_up"] += 1
        now = timezone.now()
        if has_it:
            sentence = f"it lies among the sent mail of {mailbox}."
            counts["settled"] += settle_by(email.pk, "sent_folder", sentence, at=now)
        else:
            # Not every server keeps a copy, so this proves nothing.
            Evidence.objects.update_or_create(
                email=email,
                kind=Evidence.Kind.SENT_FOLDER,
                arrived=None,
                defaults={
                    "detail": f"It does not lie among the sent mail of {mailbox}.",
                    "happened_at": now,
                },
            )


def _give_up(now: datetime) -> int:
    hours = settings.IN_DOUBT_GRACE_HOURS
    old = Email.objects.filter(
        state=EmailState.IN_DOUBT, data_started_at__lt=now - timedelta(hours=hours)
    )
    sentence = f"nobody knew anything within {hours} hours, so it is taken for sent."
    given_up = 0
    for pk in list(old.values_list("pk", flat=True)[:_LIMIT]):
        if settle_doubt(pk, arrived=True, evidence=sentence):
            Evidence.objects.create(
                email_id=pk,
                kind=Evidence.Kind.GRACE,
                arrived=None,
                detail=sentence.capitalize(),
                happened_at=now,
            )
            given_up += 1
    return given_up
