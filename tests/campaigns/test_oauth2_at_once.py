"""One worker asks for a token while others wait: no row is locked, whatever happens meanwhile."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from campaigns import oauth2
from campaigns.admin.account_form import AccountForm
from campaigns.models import Account
from campaigns.oauth2 import TokenRefused, access_token, keep
from fliptech_site.errors import TransientError
from tasks.models import Lease
from tests.campaigns.test_oauth2 import Tokens, make_oauth_account
from tests.tasks.conftest import start_process, test_environment, wait_until

__all__ = ["make_oauth_account", "start_process", "test_environment", "wait_until"]

pytestmark = pytest.mark.django_db(transaction=True)

NEWER = {
    "access_token": "consented",
    "expires_in": 3600,
    "refresh_token": "consented-r",
}
ASK = """
from campaigns import oauth2
from campaigns.models import Account
oauth2.LEASE_SECONDS = {lease}
print(oauth2.access_token(Account.objects.get(pk={pk})))
"""


class SlowTokens(Tokens):
    """Lets each request wait until the test says so; a refresh token counts once."""

    def __init__(self):
        super().__init__()
        self.gates = [threading.Event() for _ in range(9)]
        self.good = "the-refresh-token"
        self.rotates = False

    def give(self, asked):
        number = len(self.asked)
        self.gates[number - 1].wait(30)
        if self.rotates:
            if asked.form["refresh_token"] != self.good:
                return 400, {"error": "invalid_grant"}
            self.good = f"refresh-{number}"
            self.also = {"refresh_token": self.good}
        status, told = super().give(asked)
        return status, {**told, "access_token": f"token-{number}"}

    def open(self, number):
        self.gates[number - 1].set()


@pytest.fixture
def tokens(settings):
    with SlowTokens() as running:
        settings.FETCH_ALLOWED_PRIVATE = [f"127.0.0.1:{running.port}"]
        yield running
        for gate in running.gates:
            gate.set()


@pytest.fixture
def workers():
    """Threads with connections of their own that ask for an account's token."""

    def ask(account):
        try:
            return access_token(Account.objects.get(pk=account.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        yield lambda account: pool.submit(ask, account)


def sessions_in_transaction():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        )
        return cursor.fetchone()[0]


def lose_its_lease():
    """Let another one take over, as after a process stood still for long."""
    Lease.objects.update(expires_at="2000-01-01T00:00Z")


def test_no_row_is_locked_and_no_transaction_open_while_the_server_is_slow(
    make_oauth_account, tokens, workers, wait_until
):
    account = make_oauth_account()
    asking = [workers(account) for _ in range(3)]
    wait_until(lambda: tokens.asked)
    wait_until(lambda: Lease.objects.filter(is_awaited=True).exists())

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")
        try:
            Account.objects.update(daily_cap=7)
        finally:
            cursor.execute("RESET lock_timeout")
    wait_until(lambda: sessions_in_transaction() == 0)
    tokens.open(1)

    assert [each.result(10) for each in asking] == ["token-1"] * 3
    account.refresh_from_db()
    assert (account.daily_cap, account.oauth_access_token) == (7, "token-1")
    assert len(tokens.asked) == 1
    assert not Lease.objects.exists()


def test_processes_use_a_grant_that_counts_once_only_once(
    make_oauth_account, tokens, start_process, wait_until
):
    tokens.rotates = True
    code = ASK.format(pk=make_oauth_account().pk, lease=18)
    allowed = f"127.0.0.1:{tokens.port}"
    started = [
        start_process("shell", "-v0", "-c", code, FETCH_ALLOWED_PRIVATE=allowed)
        for _ in range(3)
    ]
    wait_until(lambda: Lease.objects.filter(is_awaited=True).exists(), 30)
    tokens.open(1)

    assert [process.wait(30) for process in started] == [0, 0, 0]
    assert len(tokens.asked) == 1
    assert Account.objects.get().oauth_refresh_token == "refresh-1"


def test_one_that_is_killed_holds_the_others_up_no_longer_than_its_lease(
    make_oauth_account, tokens, start_process, wait_until
):
    account = make_oauth_account()
    allowed = f"127.0.0.1:{tokens.port}"
    process = start_process(
        "shell", "-v0", "-c", ASK.format(pk=account.pk, lease=3),
        FETCH_ALLOWED_PRIVATE=allowed,
    )  # fmt: skip
    wait_until(lambda: tokens.asked, 30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_at = time.monotonic()
    tokens.open(2)

    assert access_token(account) == "token-2"
    assert time.monotonic() - killed_at < 3 + 2  # A second until it is noticed.
    # What the server sends to the dead changes nothing.
    tokens.open(1)
    assert Account.objects.get().oauth_access_token == "token-2"


def test_who_waits_gives_up_in_time_and_comes_again(
    make_oauth_account, tokens, workers, wait_until, monkeypatch
):
    account = make_oauth_account()
    asking = workers(account)
    wait_until(lambda: tokens.asked)
    monkeypatch.setattr(oauth2, "WAIT_SECONDS", 0.3)
    began = time.monotonic()

    with pytest.raises(
        TransientError, match="Another worker asks .* tried again"
    ) as told:
        access_token(account)

    assert time.monotonic() - began < 2
    assert type(told.value) is TransientError
    tokens.open(1)
    assert asking.result(10) == "token-1"
    assert access_token(account) == "token-1"


def test_a_lease_outlasts_the_slowest_answer_and_is_outwaited():
    assert oauth2.ASK_SECONDS < oauth2.LEASE_SECONDS < oauth2.WAIT_SECONDS < 30


def test_a_consent_that_came_in_between_is_not_overwritten(
    make_oauth_account, tokens, workers, wait_until
):
    tokens.rotates = True
    account = make_oauth_account()
    asking = workers(account)
    wait_until(lambda: tokens.asked)
    keep(Account.objects.get(), NEWER)
    tokens.open(1)

    assert asking.result(10) == "consented"
    account.refresh_from_db()
    assert account.oauth_refresh_token == "consented-r"
    assert account.oauth_access_token == "consented"


def test_a_grant_that_was_typed_in_between_is_asked_with_next_time(
    make_oauth_account, tokens, workers, wait_until
):
    account = make_oauth_account()
    asking = workers(account)
    wait_until(lambda: tokens.asked)
    account.oauth_refresh_token = "typed"
    account.save()
    tokens.open(1)

    with pytest.raises(TransientError, match="was connected anew meanwhile"):
        asking.result(10)
    tokens.open(2)
    assert access_token(Account.objects.get()) == "token-2"
    assert tokens.asked[1].form["refresh_token"] == "typed"


def test_an_account_that_was_deleted_in_between_is_told_in_one_sentence(
    make_oauth_account, tokens, workers, wait_until
):
    account = make_oauth_account()
    asking = workers(account)
    wait_until(lambda: tokens.asked)
    Account.objects.all().delete()
    tokens.open(1)

    with pytest.raises(TokenRefused, match="was deleted meanwhile"):
        asking.result(10)
    with pytest.raises(TokenRefused, match="was deleted meanwhile"):
        access_token(account)
    assert not Account.objects.exists()


def test_an_answer_that_comes_after_another_took_over_gives_way_to_its(
    make_oauth_account, tokens, workers, wait_until
):
    account = make_oauth_account()
    first = workers(account)
    wait_until(lambda: len(tokens.asked) == 1)
    lose_its_lease()
    second = workers(account)
    wait_until(lambda: len(tokens.asked) == 2)
    # The server counts the later one; the earlier answer arrives while that is asked.
    tokens.open(1)
    time.sleep(0.3)
    assert not first.done()
    tokens.also = {"refresh_token": "later-r"}
    tokens.open(2)

    assert [first.result(10), second.result(10)] == ["token-2"] * 2
    assert Account.objects.get().oauth_refresh_token == "later-r"


def test_an_answer_that_used_the_grant_up_is_kept_though_another_took_over(
    make_oauth_account, tokens, workers, wait_until
):
    tokens.rotates = True
    account = make_oauth_account()
    first = workers(account)
    wait_until(lambda: len(tokens.asked) == 1)
    lose_its_lease()
    second = workers(account)
    wait_until(lambda: len(tokens.asked) == 2)
    tokens.open(1)
    wait_until(lambda: tokens.good == "refresh-1")
    tokens.open(2)

    with pytest.raises(TokenRefused, match="invalid_grant"):
        second.result(10)
    assert first.result(10) == "token-1"
    assert Account.objects.get().oauth_refresh_token == "refresh-1"


def test_asking_inside_a_transaction_is_refused(make_oauth_account, tokens):
    tokens.open(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        access_token(make_oauth_account())
    assert tokens.asked == []


def test_the_form_of_an_account_leaves_tokens_that_were_renewed_since_it_was_read(
    make_oauth_account, admin_client, monkeypatch
):
    account = make_oauth_account(25, name="Ada")
    usual = AccountForm.save

    def renew_before(form, commit=True):
        keep(Account.objects.get(), NEWER)
        return usual(form, commit)

    monkeypatch.setattr(AccountForm, "save", renew_before)
    page = f"/admin/campaigns/account/{account.pk}/change/"
    form = admin_client.get(page).context["adminform"].form
    fields = {
        name: "" if form[name].value() is None else form[name].value()
        for name in form.fields
    }
    fields = {name: value for name, value in fields.items() if value is not False}
    answer = admin_client.post(page, {**fields, "name": "Bea"})

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    account.refresh_from_db()
    assert account.name == "Bea"
    assert account.oauth_refresh_token == "consented-r"
    assert account.oauth_expires_at > timezone.now()
