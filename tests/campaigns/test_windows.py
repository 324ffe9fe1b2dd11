"""Windows in the recipient's clock: the next moment, against walking minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns import launching, sequences
from campaigns.models import Email, Recipient
from campaigns.places import zone_of
from campaigns.sending import send_email
from campaigns.windows import (
    Window,
    from_hour,
    next_moment,
    parse_windows,
    read_windows,
    write_windows,
)
from fliptech_site.errors import InvalidInput, RateLimited

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
]
#: Around the changes of the clock in these zones, and an ordinary week.
STARTS = [
    datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC),
    datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC),
    datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC),
]  # fmt: skip


@st.composite
def windows(draw):
    start = draw(st.integers(0, 47))
    end = draw(st.integers(start + 1, 48)) % 48
    days = frozenset(draw(st.sets(st.integers(1, 7), min_size=1, max_size=7)))
    return Window(days, time(start // 2, start % 2 * 30), time(end // 2, end % 2 * 30))


def is_open(window, zone, moment):
    local = moment.astimezone(zone)
    clock = local.time()
    ends = window.end == time(0) or clock < window.end
    return local.isoweekday() in window.days and window.start <= clock and ends


@settings(max_examples=60)
@given(
    st.lists(windows(), min_size=1, max_size=3), st.sampled_from(ZONES),
    st.sampled_from(STARTS), st.integers(0, 3 * 24 * 60),
)  # fmt: skip
def test_the_next_moment_is_what_a_walk_finds(given_windows, name, start, minutes):
    zone, now = ZoneInfo(name), start + timedelta(minutes=minutes)
    moment = now
    while not any(is_open(each, zone, moment) for each in given_windows):
        moment += timedelta(minutes=1)

    assert next_moment(given_windows, zone, now) == moment


def test_without_windows_it_may_go_at_once():
    now = timezone.now()

    assert next_moment([], ZoneInfo("Asia/Tokyo"), now) == now


@pytest.mark.parametrize(
    ("hour", "moment"),
    [
        (None, "2026-06-01T07:00"), (8, "2026-06-01T07:00"), (14, "2026-06-01T12:00"),
        # No window reaches so late: the hour gives way.
        (20, "2026-06-01T07:00"),
    ],
)  # fmt: skip
def test_an_hour_narrows_the_windows(hour, moment):
    berlin = ZoneInfo("Europe/Berlin")
    office = [Window(frozenset(range(1, 6)), time(9), time(17))]
    monday = datetime(2026, 6, 1, 5, tzinfo=UTC)

    found = from_hour(office, hour, berlin, monday)

    assert found == datetime.fromisoformat(f"{moment}+00:00")


@pytest.mark.parametrize(
    "values",
    [
        "9-17", [{}], [{"days": "12", "from": "9", "until": "17:00"}],
        [{"days": "8", "from": "09:00", "until": "17:00"}],
        [{"days": "1", "from": "17:00", "until": "09:00"}],
        [{"days": "", "from": "09:00", "until": "17:00"}],
        [{"days": "1", "from": "09:00+01:00", "until": "17:00"}],
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_windows_that_never_open_are_refused(values, make_campaign):
    campaign = make_campaign(send_windows=values)

    with pytest.raises(ValidationError, match="A window is|Send windows are a list"):
        campaign.clean()


def test_a_window_may_end_at_midnight():
    (window,) = read_windows([{"days": "67", "from": "10:00", "until": "00:00"}])

    assert window == Window(frozenset({6, 7}), time(10), time(0))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon-Fri 09:00-17:00", "12345"), ("sat-mon 9:00 - 17:00", "167"),
        ("Tuesday, Thu-Fri 09:00–17:00", "245"), ("Wed 09:00-17:00", "3"),
    ],
)  # fmt: skip
def test_windows_are_read_as_people_write_them(text, days):
    (value,) = parse_windows(text)

    assert value == {"days": days, "from": "09:00", "until": "17:00"}
    assert parse_windows(write_windows([value])) == [value]


def test_windows_are_written_as_people_write_them():
    value = {"days": "123567", "from": "09:00", "until": "17:00"}

    assert write_windows([value]) == "Mon-Wed,Fri-Sun 09:00-17:00"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("always", "is no window: write"),
        ("Mon 17:00-09:00", "begins before it ends"),
        ("Mon 09:00-25:00", "begins before it ends"),
        ("Foo 09:00-17:00", "'Foo' in 'Foo 09:00-17:00' is no day"),
    ],
)
def test_a_line_that_is_no_window_is_refused(text, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        parse_windows(text)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ({"latitude": 37.33, "longitude": -121.89}, "America/Los_Angeles"),
        ({"latitude": 52.52, "longitude": 13.4, "phone": "+14155550123"}, "Europe/Berlin"),
        ({"phone": "+14155550123"}, "America/Los_Angeles"),
        ({"phone": "+442079460958"}, "Europe/London"),
        ({"country": "DE"}, "Europe/Berlin"),
        ({"country": "US"}, ""),
        ({"phone": "nonsense"}, ""),
    ],
)  # fmt: skip
def test_a_time_zone_is_told_by_what_is_known(place, zone):
    assert zone_of(**{"latitude": None, "longitude": None, **place}) == zone


def only(moment):
    """A window of one hour of the day in which `moment` is, and that hour only."""
    return {"days": "1234567", "from": f"{moment:%H}:00", "until": f"{moment:%H}:59"}


@pytest.mark.django_db
def test_a_mail_waits_for_the_window_in_the_recipients_clock(
    server, make_campaign, make_lead
):
    tokyo = ZoneInfo("Asia/Tokyo")
    later = timezone.now() + timedelta(hours=5)
    make_lead(name="here", latitude=35.68, longitude=139.69)
    campaign = make_campaign(
        port=server.port, state="draft", send_windows=[only(later.astimezone(tokyo))]
    )
    launching.launch(campaign.pk)
    email = Email.objects.get()

    with pytest.raises(RateLimited):
        send_email(email.pk)

    assert Recipient.objects.get().time_zone == "Asia/Tokyo"
    assert email.due_at == later.replace(minute=0, second=0, microsecond=0)
    email.refresh_from_db()
    assert (email.state, email.attempts, server.sessions) == ("waiting", 0, 0)


@pytest.mark.django_db
def test_a_mail_whose_turn_comes_after_the_window_waits_for_the_next(
    server, make_email
):
    email = make_email(port=server.port)
    ended = timezone.now() - timedelta(hours=2)
    type(email.campaign).objects.update(
        send_windows=[only(ended.astimezone(email.account.zone))]
    )

    with pytest.raises(RateLimited) as caught:
        send_email(email.pk)

    assert timedelta(hours=20) < timedelta(seconds=caught.value.retry_after)
    assert "next window" in str(caught.value)
    type(email.campaign).objects.update(send_windows=[])
    assert send_email(email.pk)["state"] == "sent"


@pytest.mark.django_db
def test_a_follow_up_waits_for_its_window_too(
    server, make_campaign, make_lead, make_template
):
    make_lead(country="JP")
    later = timezone.now() + timedelta(hours=5)
    campaign = make_campaign(port=server.port, state="draft")
    campaign.steps.create(number=2, template=make_template())
    launching.launch(campaign.pk)
    send_email(Email.objects.get().pk)
    window = only(later.astimezone(campaign.account.zone))
    type(campaign).objects.update(send_windows=[window])

    sequences.plan_follow_ups()

    due_at = Email.objects.get(step=2).due_at
    assert due_at == later.replace(minute=0, second=0, microsecond=0)
