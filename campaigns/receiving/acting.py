"""Act on stored messages: read what each is, and let it have its effect once.

What a message changes and the mark that it was handled are one commit, so it has its
effects once, whatever dies and however many runs come at the same time.
"""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from campaigns.incoming.bouncing import Failed
from campaigns.incoming.classifying import Classified, Kind, classify_incoming
from campaigns.incoming.reading import Incoming, read_incoming
from campaigns.incoming.replies import new_text_of_mail
from campaigns.models import Account, DeliveryEvent, IncomingMessage
from campaigns.receiving.answers import note_auto_reply, take_reply
from campaigns.receiving.attributing import Attribution, attribute
from campaigns.receiving.verdicts import Told, take
from leads.suppression import erased_addresses

log = logging.getLogger(__name__)

#: Tries at a message that makes us fail; then it is shown with its trouble.
MAX_ATTEMPTS = 5
#: Messages that one run takes up from a run that broke.
_OPEN_LIMIT = 500
MAX_TEXT = 100_000


def act_on_open(account_id: int) -> int:
    """Act on what an earlier run stored and did not act on; returns how many."""
    ids = (
        IncomingMessage.objects.filter(account_id=account_id, handled_at__isnull=True)
        .order_by("id")
        .values_list("pk", flat=True)[:_OPEN_LIMIT]
    )
    return sum(act(pk) for pk in list(ids))


def act(message_id: int) -> bool:
    """Act on one message; False when it was handled before or makes us fail.

    One that makes us fail never stops the others: its row says why.
    """
    try:
        with transaction.atomic():
            row = (
                IncomingMessage.objects.select_for_update(
                    of=("self",), skip_locked=True
                )
                .select_related("mailbox", "account")
                .filter(pk=message_id, handled_at__isnull=True)
                .first()
            )
            if row is None:
                return False
            _act(row)
        return True
    except (OperationalError, InterfaceError):  # Our trouble, not the message's.
        raise
    except Exception as error:  # noqa: BLE001 - whatever a stranger's message brings about
        _note_trouble(message_id, error)
        return False


def _act(row: IncomingMessage) -> None:
    message = read_incoming(bytes(row.raw))
    own = _own_addresses()
    found = classify_incoming(message, own=own)
    if message.sender in own:
        found = Classified(Kind.OTHER, reason="It is our own.")
    _describe(row, message, found)
    if erased_addresses([message.sender]):
        # Whoever asked to be forgotten still stops a sequence, and leaves nothing here.
        row.raw, row.text = b"", ""
        row.sender = row.sender_name = row.subject = row.message_id = ""
    if found.kind == Kind.REPLY:
        _reply(row, message)
    elif found.kind == Kind.AUTO_REPLY:
        _auto_reply(row, message)
    elif found.kind in (Kind.BOUNCE, Kind.COMPLAINT):
        _report(row, message, found)
    if row.email is None and not _is_kept(row):
        row.raw, row.text, row.sender_name = b"", "", ""
    row.handled_at = timezone.now()
    row.trouble = ""
    row.save()


def _describe(row: IncomingMessage, message: Incoming, found: Classified) -> None:
    row.kind = found.kind.value
    row.reason = found.reason[:300]
    row.message_id = _clean(message.headers.text("message-id"))[:998]
    row.sender = _clean(message.sender)[:254]
    row.sender_name = _name_in(message)
    row.subject = _clean(message.subject)[:400]
    if found.kind in (Kind.REPLY, Kind.AUTO_REPLY):
        row.text = _clean(new_text_of_mail(bytes(row.raw)))[:MAX_TEXT]


def _reply(row: IncomingMessage, message: Incoming) -> None:
    belongs = _belonging(row, message, [message.sender])
    if belongs is not None:
        take_reply(row, belongs.email)
    elif _is_kept(row):
        take_reply(row, None)


def _auto_reply(row: IncomingMessage, message: Incoming) -> None:
    belongs = _belonging(row, message, [message.sender])
    if belongs is not None:
        note_auto_reply(row, belongs.email)


def _report(row: IncomingMessage, message: Incoming, found: Classified) -> None:
    """Tell what a server or a feedback loop says of each address."""
    is_complaint = found.kind == Kind.COMPLAINT
    failed = found.recipients
    if is_complaint and not failed:  # Some providers take the address out.
        failed = [Failed("", "", "", "complaint", False, "")]
    for number, each in enumerate(failed):
        belongs = _belonging(row, message, [each.address] if each.address else [])
        email = belongs.email if belongs else None
        take(
            Told(
                account_id=email.account_id if email else row.account_id,
                source="mailbox",
                event_id=f"message:{row.digest}:{number}",
                kind=DeliveryEvent.Kind.COMPLAINT if is_complaint else _kind_of(each),
                email=email,
                address=each.address or (email.address if email else ""),
                at=row.received_at,
                status=each.status,
                reason=each.reason,
                words=each.words,
            )
        )


def _kind_of(failed: Failed) -> DeliveryEvent.Kind:
    if failed.hard:
        return DeliveryEvent.Kind.HARD
    if failed.delayed:
        return DeliveryEvent.Kind.DELAYED
    return DeliveryEvent.Kind.SOFT


def _belonging(
    row: IncomingMessage, message: Incoming, addresses: list[str]
) -> Attribution | None:
    belongs = attribute(message, addresses=addresses, at=row.received_at)
    if belongs is not None:
        row.email, row.matched_by = belongs.email, belongs.matched_by
    return belongs


def _is_kept(row: IncomingMessage) -> bool:
    """Say whether mail of a stranger is our business."""
    return row.mailbox is not None and row.mailbox.keeps_strangers


def _own_addresses() -> set[str]:
    rows = Account.objects.values_list("from_address", "reply_to")
    return {address.lower() for row in rows for address in row if address}


def _note_trouble(message_id: int, error: Exception) -> None:
    log.error(
        "The incoming message %s could not be handled.", message_id, exc_info=error
    )
    row = IncomingMessage.objects.filter(pk=message_id, handled_at__isnull=True).first()
    if row is None:
        return
    row.attempts += 1
    row.trouble = f"It could not be handled: {type(error).__name__}: {error}"[:500]
    if row.attempts >= MAX_ATTEMPTS:
        row.kind = IncomingMessage.Kind.OTHER
        row.handled_at = timezone.now()
    row.save(update_fields=["attempts", "trouble", "kind", "handled_at"])


def _name_in(message: Incoming) -> str:
    name = message.headers.text("from").partition("<")[0]
    return _clean(name).strip(" \"'")[:200]


def _clean(text: str) -> str:
    """Take out what PostgreSQL can't hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
