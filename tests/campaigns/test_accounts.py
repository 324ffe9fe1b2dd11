"""An account's row: its secrets, its day, its limits."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from campaigns.models import Account

pytestmark = pytest.mark.django_db

SECRETS = [
    "password", "oauth_client_id", "oauth_client_secret", "oauth_refresh_token",
    "oauth_access_token", "api_key", "api_secret", "dkim_key",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_stored_encrypted_and_shown_nowhere(name, make_account):
    account = make_account()
    setattr(account, name, "s3cr3t!")
    account.save()

    read = Account.objects.get()
    assert getattr(read, name) == "s3cr3t!"
    assert "s3cr3t!" not in str(Account.objects.values().get())
    assert "s3cr3t!" not in repr(read)


def test_its_day_begins_at_midnight_of_its_place(make_account, settings):
    settings.TIME_ZONE = "UTC"
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert make_account().day_of(late) == date(2026, 11, 25)
    assert make_account(time_zone="Asia/Tokyo").day_of(late) == date(2026, 11, 26)


def test_the_smaller_of_cap_and_slow_start_counts(make_account):
    day = date(2026, 11, 25)
    assert make_account().allowed_on(day) is None
    assert make_account(daily_cap=30).allowed_on(day) == 30
    slow = {"ramp_up_from": date(2026, 11, 24), "ramp_up_ceiling": 40}
    assert make_account(**slow).allowed_on(day) == 15
    assert make_account(**slow, daily_cap=12).allowed_on(day) == 12


def test_its_hours_are_those_of_its_row(make_account):
    hours = make_account(
        time_zone="Europe/Berlin", work_days="12345", work_from=time(9), work_until=time(17)
    ).hours  # fmt: skip
    assert hours.hold(datetime(2026, 11, 25, 8, 0, tzinfo=UTC))
    assert not hours.hold(datetime(2026, 11, 25, 7, 59, tzinfo=UTC))
    assert not hours.hold(datetime(2026, 11, 28, 12, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_host": ""}, {"daily_cap": 0}, {"window": 0}, {"ramp_up_start": 0},
        {"work_days": ""}, {"work_from": time(17), "work_until": time(9)},
        {"mails_per_connection": 0},
    ],
)  # fmt: skip
def test_the_database_refuses_what_makes_no_sense(wrong, make_account):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(**wrong)


@pytest.mark.parametrize("days", ["8", "21", "11", "mon"])
def test_days_are_digits_in_order(days, make_account):
    account = make_account()
    account.work_days = days
    with pytest.raises(ValidationError, match="Digits from 1"):
        account.full_clean()
