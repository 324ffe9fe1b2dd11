from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from campaigns.models import Conversation, Mailbox
from campaigns.receiving.reading import read_mailbox
from tests.campaigns.imap_server import ImapServer
from tests.campaigns.incoming.letters import letter
from tests.tasks.conftest import start_process, test_environment

# Fixtures of the ledger's tests: other processes at the database of a test.
__all__ = ["start_process", "test_environment"]

_numbers = itertools.count(1)


@pytest.fixture
def imap():
    with ImapServer() as running:
        yield running


@pytest.fixture
def make_mailbox(make_account):
    def make(port=1, **values):
        mailbox = Mailbox(
            **{
                "name": f"mailbox {next(_numbers)}",
                "account": values.pop("account", None) or make_account(),
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "username": "ada",
                **values,
            }
        )
        mailbox.password = "secret"
        mailbox.save()
        return mailbox

    return make


@pytest.fixture
def make_sent(make_email):
    """A mail of a campaign that was sent an hour ago."""

    def make(*, state="sent", **values):
        at = timezone.now() - timedelta(hours=1)
        number = next(_numbers)
        return make_email(
            **{
                "state": state,
                "message_id": f"<sent{number}@brightside.example>",
                "claimed_at": at,
                "data_started_at": at,
                "sent_at": at if state == "sent" else None,
                **values,
            }
        )

    return make


@pytest.fixture
def answer_to():
    """A person's raw answer to a mail of ours."""

    def make(email, text="Yes, tell me more.", **headers):
        return letter(
            f"{text}\n\n> Hello\n",
            **{
                "from": f"Bob Baker <{email.address}>",
                "in_reply_to": email.message_id or "",
                "message_id": f"<answer{next(_numbers)}@shop.example>",
                **headers,
            },
        )

    return make


@pytest.fixture
def admin(client):
    client.force_login(
        User.objects.create(username="root", is_staff=True, is_superuser=True)
    )
    return client


@pytest.fixture
def reader(client):
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


@pytest.fixture
def talk(imap, make_mailbox, make_sent, answer_to, server):
    """A conversation that waits for an answer."""
    email = make_sent(port=server.port, subject="A new site for you")
    imap.inbox.add(answer_to(email, "How much is it?", subject="Re: A new site"))
    read_mailbox(make_mailbox(imap.port, account=email.account).pk)
    return Conversation.objects.get()
