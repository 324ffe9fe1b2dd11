"""Read mailboxes to their end: each message is a row before anything comes of it.

The row and the folder's position are one commit, so a crash reads nothing twice and
forgets nothing; what was stored and not acted on is taken up by the next run.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaigns.models import IncomingMessage, Mailbox, MailboxFolder
from campaigns.oauth2 import access_token
from campaigns.receiving.acting import act, act_on_open
from campaigns.receiving.imap import (
    Fetched,
    MailboxTrouble,
    MessageTrouble,
    Place,
    Session,
    opened,
)
from fliptech_site.errors import (
    FlipTechError,
    InvalidInput,
    PermanentError,
    TransientError,
)
from tasks.enqueueing import enqueue_many
from tasks.unique import Unique

#: Messages of one run; the next one takes the rest.
MAX_MESSAGES = 1_000
#: A message at which the connection broke so often is left out, and said so.
_MAX_STUCK = 3
#: When UIDs lose their meaning, mail of so many days before the last reading is looked at
#: again; the digest tells what is known.
_LOOK_BACK = timedelta(days=14)


def request_reading() -> dict[str, int]:
    """Enqueue a reading of each mailbox that is switched on; a waiting one is enough.

    Acts also on what came through a provider and was stored by a process that died.
    """
    ids = Mailbox.objects.filter(is_enabled=True).order_by("pk")
    kwargs = [{"mailbox_id": pk} for pk in ids.values_list("pk", flat=True)]
    if kwargs:
        enqueue_many(
            "read_mailbox",
            kwargs,
            unique=lambda values: Unique(f"mailbox:{values['mailbox_id']}"),
        )
    return {"mailboxes": len(kwargs), "acted": _act_on_what_is_left()}


def _act_on_what_is_left() -> int:
    # Whoever stores a message acts on it at once; after a minute nobody does.
    left = IncomingMessage.objects.filter(
        mailbox__isnull=True,
        handled_at__isnull=True,
        created_at__lt=timezone.now() - timedelta(minutes=1),
    )
    accounts = left.order_by().values_list("account_id", flat=True).distinct()
    return sum(act_on_open(account_id) for account_id in list(accounts))


def read_mailbox(mailbox_id: int) -> dict[str, Any]:
    """Store and act on what has come since the last run.

    Raises InvalidInput for an unknown mailbox, MailboxTrouble when somebody has to put
    it right, and TransientError when the connection broke; the row says so too.
    """
    mailbox = Mailbox.objects.select_related("account").filter(pk=mailbox_id).first()
    if mailbox is None:
        raise InvalidInput(f"There is no mailbox {mailbox_id}.")
    counts = {"mailbox_id": mailbox_id, "stored": 0, "acted": 0, "left_out": 0}
    counts["acted"] += act_on_open(mailbox.account_id)
    try:
        with opened(place_of(mailbox)) as session:
            for name in mailbox.folder_names:
                _read_folder(session, mailbox, name, counts)
    except FlipTechError as error:
        Mailbox.objects.filter(pk=mailbox.pk).update(trouble=str(error))
        raise
    Mailbox.objects.filter(pk=mailbox.pk).update(trouble="", read_at=timezone.now())
    return counts


def check_mailbox(mailbox: Mailbox) -> dict[str, int]:
    """Log in and give how much mail each folder holds since `reads_since`; stores nothing."""
    with opened(place_of(mailbox)) as session:
        found = {}
        for name in mailbox.folder_names:
            session.open_folder(name)
            found[name] = len(session.new_uids(after=0, since=mailbox.reads_since))
        return found


def place_of(mailbox: Mailbox) -> Place:
    """Give where a mailbox is read, and with what.

    Raises MailboxTrouble for a lost password or a token that is refused, and
    TransientError when the token server can't answer now.
    """
    password = token = ""
    try:
        if mailbox.login == Mailbox.Login.OAUTH2:
            token = access_token(mailbox.account)
        else:
            password = mailbox.password
    except PermanentError as error:
        raise MailboxTrouble(f"The mailbox {mailbox}: {error}") from None
    return Place(
        mailbox.host, mailbox.port, mailbox.security, mailbox.username, password, token
    )


def _read_folder(
    session: Session, mailbox: Mailbox, name: str, counts: dict[str, int]
) -> None:
    validity = session.open_folder(name)
    folder, _ = MailboxFolder.objects.get_or_create(mailbox=mailbox, name=name)
    since = mailbox.reads_since
    if folder.uidvalidity != validity:
        if folder.read_at is not None:
            since = max(since, folder.read_at - _LOOK_BACK)
        folder.uidvalidity, folder.last_uid = validity, 0
        folder.save(update_fields=["uidvalidity", "last_uid"])
    for uid in session.new_uids(after=folder.last_uid, since=since):
        if counts["stored"] >= MAX_MESSAGES:
            return
        stored = _read_message(session, folder, mailbox, uid, counts)
        if stored is not None:
            counts["stored"] += 1
            counts["acted"] += act(stored)
    MailboxFolder.objects.filter(pk=folder.pk).update(read_at=timezone.now())


def _read_message(
    session: Session,
    folder: MailboxFolder,
    mailbox: Mailbox,
    uid: int,
    counts: dict[str, int],
) -> int | None:
    """Store one message; None where it is known already, gone or left out."""
    if folder.stuck_uid == uid and folder.stuck_times >= _MAX_STUCK:
        counts["left_out"] += 1
        _leave_out(folder, mailbox, uid, "The connection broke at it each time.")
        return None
    try:
        fetched = session.fetch(uid)
    except MessageTrouble as trouble:
        counts["left_out"] += 1
        _leave_out(folder, mailbox, uid, str(trouble))
        return None
    except TransientError:
        times = folder.stuck_times + 1 if folder.stuck_uid == uid else 1
        MailboxFolder.objects.filter(pk=folder.pk).update(
            stuck_uid=uid, stuck_times=times
        )
        raise
    if fetched is None:
        _advance(folder, uid)
        return None
    return _store(folder, mailbox, uid, fetched)


def _store(
    folder: MailboxFolder, mailbox: Mailbox, uid: int, fetched: Fetched
) -> int | None:
    digest = hashlib.sha256(fetched.raw).hexdigest()
    with transaction.atomic():
        IncomingMessage.objects.bulk_create(
            [
                IncomingMessage(
                    mailbox=mailbox,
                    account_id=mailbox.account_id,
                    folder=folder.name,
                    uidvalidity=folder.uidvalidity,
                    uid=uid,
                    digest=digest,
                    raw=fetched.raw,
                    is_cut=fetched.is_cut,
                    received_at=_plausible(fetched.received_at),
                )
            ],
            ignore_conflicts=True,
        )
        _advance(folder, uid)
    # The insert tells no id: another run, or another place, may have been first.
    return (
        IncomingMessage.objects.filter(
            account_id=mailbox.account_id, digest=digest, handled_at__isnull=True
        )
        .values_list("pk", flat=True)
        .first()
    )


def _leave_out(folder: MailboxFolder, mailbox: Mailbox, uid: int, why: str) -> None:
    now = timezone.now()
    place = f"{mailbox.pk} {folder.name} {folder.uidvalidity} {uid}"
    with transaction.atomic():
        IncomingMessage.objects.bulk_create(
            [
                IncomingMessage(
                    mailbox=mailbox,
                    account_id=mailbox.account_id,
                    folder=folder.name,
                    uidvalidity=folder.uidvalidity,
                    uid=uid,
                    # No bytes to tell it by, so its place does.
                    digest=hashlib.sha256(place.encode()).hexdigest(),
                    kind=IncomingMessage.Kind.OTHER,
                    trouble=f"It could not be read, and was left out. {why}",
                    received_at=now,
                    handled_at=now,
                )
            ],
            ignore_conflicts=True,
        )
        _advance(folder, uid)


def _advance(folder: MailboxFolder, uid: int) -> None:
    # Another run may be further, or the folder may have been made anew meanwhile.
    MailboxFolder.objects.filter(
        Q(last_uid__lt=uid), pk=folder.pk, uidvalidity=folder.uidvalidity
    ).update(last_uid=uid)


def _plausible(received_at: datetime) -> datetime:
    """A server's clock may be wrong, and nothing comes from the future."""
    return min(received_at, timezone.now())
