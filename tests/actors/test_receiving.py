"""The standing orders that look after what comes back."""

from __future__ import annotations

import pytest

from tasks.declaring import load_actors
from tasks.models import Task
from tests.campaigns.conftest import make_account  # noqa: F401 - a fixture
from tests.campaigns.receiving.conftest import make_mailbox  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def test_each_mailbox_is_read_every_five_minutes_in_a_task_of_its_own(make_mailbox):  # noqa: F811
    make_mailbox()
    actor = load_actors()["read_mailboxes"]

    assert actor.fn() == {"mailboxes": 1}
    assert str(actor.options["periodic"]).startswith("*/5 ")
    assert Task.objects.filter(actor="read_mailbox").count() == 1


def test_mails_in_doubt_are_looked_after_every_quarter_of_an_hour():
    actor = load_actors()["settle_doubtful_emails"]

    assert actor.fn() == {"settled": 0, "looked_up": 0, "given_up": 0}
    assert str(actor.options["periodic"]).startswith("7-59/15 ")
