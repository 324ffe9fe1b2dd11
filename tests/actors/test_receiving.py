"""The standing orders that look after what comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import IncomingMessage
from tasks.declaring import load_actors
from tasks.models import Task
from tests.campaigns.conftest import make_account  # noqa: F401 - a fixture
from tests.campaigns.receiving.conftest import make_mailbox  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def test_each_mailbox_is_read_every_five_minutes_in_a_task_of_its_own(make_mailbox):  # noqa: F811
    make_mailbox()
    actor = load_actors()["read_mailboxes"]

    assert actor.fn() == {"mailboxes": 1, "acted": 0}
    assert str(actor.options["periodic"]).startswith("*/5 ")
    assert Task.objects.filter(actor="read_mailbox").count() == 1


def test_mails_in_doubt_are_looked_after_every_quarter_of_an_hour():
    actor = load_actors()["settle_doubtful_emails"]

    assert actor.fn() == {"settled": 0, "looked_up": 0, "given_up": 0}
    assert str(actor.options["periodic"]).startswith("7-59/15 ")


def test_old_messages_are_emptied_and_their_places_kept(make_account):  # noqa: F811
    def came(days, kind):
        return IncomingMessage.objects.create(
            account=account, digest=f"{days}{kind}", raw=b"x", kind=kind,
            received_at=timezone.now() - timedelta(days=days),
            handled_at=timezone.now(),
        )  # fmt: skip

    account = make_account()
    kept = [came(40, "reply"), came(20, "bounce")]
    emptied = [came(400, "reply"), came(40, "bounce"), came(40, "other")]
    actor = load_actors()["clear_old_messages"]

    assert actor.fn() == {"emptied": 3, "events": 0}
    full = IncomingMessage.objects.exclude(raw=b"").values_list("pk", flat=True)
    assert sorted(full) == [row.pk for row in kept]
    assert IncomingMessage.objects.count() == len(kept) + len(emptied)


def test_what_a_dying_web_process_left_is_acted_on(make_account):  # noqa: F811
    message = IncomingMessage.objects.create(
        account=make_account(), digest="d", raw=b"Subject: x\r\n\r\nx",
        received_at=timezone.now(),
    )  # fmt: skip
    actor = load_actors()["read_mailboxes"]

    assert actor.fn() == {"mailboxes": 0, "acted": 0}
    IncomingMessage.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert actor.fn() == {"mailboxes": 0, "acted": 1}
    message.refresh_from_db()
    assert message.kind == "other"
