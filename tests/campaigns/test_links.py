"""Links in a mail are signed: they lead where we said, and GET never unsubscribes."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from campaigns import links
from campaigns.models import Email, Recipient, TrackingEvent
from campaigns.unsubscribing import unsubscribe
from fliptech_site.errors import InvalidInput
from leads.models import Suppression
from leads.suppression import is_suppressed

ids = st.integers(min_value=1, max_value=2**63 - 1)

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def path_of(url):
    assert url.startswith(settings.PUBLIC_URL)
    return url.removeprefix(settings.PUBLIC_URL)


def token_of(url):
    return url.rstrip("/").rpartition("/")[2].removesuffix(".gif")


@given(email_id=ids)
def test_a_token_gives_back_its_mail_and_nothing_for_another_purpose(email_id):
    stop = token_of(links.unsubscribe_url(email_id))
    pixel = token_of(links.pixel_url(email_id))

    assert links.read_unsubscribe(stop) == email_id
    assert links.read_pixel(pixel) == email_id
    for read, token in [(links.read_unsubscribe, pixel), (links.read_pixel, stop)]:
        with pytest.raises(InvalidInput):
            read(token)


@given(email_id=ids, path=st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_click_gives_back_its_mail_and_target(email_id, path):
    target = f"https://x.example/{path}"

    made = links.click_url(email_id, target)

    assert links.read_click(token_of(made)) == (email_id, target)


@given(url=st.text(max_size=50))
def test_only_web_addresses_are_counted(url):
    made = links.click_url(1, url)

    assert made == url or url.lower().startswith(("http:", "https:"))


@given(email_id=ids, position=st.integers(0, 200), char=st.sampled_from("aZ0:_-."))
def test_a_changed_token_is_refused(email_id, position, char):
    for make, read in [
        (links.unsubscribe_url, links.read_unsubscribe),
        (links.pixel_url, links.read_pixel),
        (lambda pk: links.click_url(pk, "https://x.example/"), links.read_click),
    ]:
        token = token_of(make(email_id))
        at = position % len(token)
        changed = token[:at] + char + token[at + 1 :]
        if changed != token:
            try:
                assert read(changed) == read(token)  # Base64 has spare bits at its end.
            except InvalidInput:
                continue


@given(token=st.text(max_size=80))
def test_no_made_up_token_is_taken(token):
    for read in (links.read_unsubscribe, links.read_pixel, links.read_click):
        with pytest.raises(InvalidInput, match="open it again from the mail"):
            read(token)


@pytest.mark.django_db
class TestPages:
    def test_a_pixel_records_an_opening(self, client, make_email):
        email = make_email()

        response = client.get(
            path_of(links.pixel_url(email.pk)), HTTP_USER_AGENT=BROWSER
        )

        event = TrackingEvent.objects.get()
        assert response.headers["Content-Type"] == "image/gif"
        assert "no-store" in response.headers["Cache-Control"]
        assert response.content.startswith(b"GIF89a")
        assert (event.email_id, event.kind, event.user_agent) == (
            email.pk,
            "open",
            BROWSER,
        )

    def test_a_click_leads_to_its_target_and_is_recorded(self, client, make_email):
        email = make_email()

        response = client.get(
            path_of(links.click_url(email.pk, "https://x.example/?a=1"))
        )

        assert response.status_code == 302
        assert response.headers["Location"] == "https://x.example/?a=1"
        assert TrackingEvent.objects.get().url == "https://x.example/?a=1"

    def test_a_click_never_leads_where_nobody_signed(self, client):
        for path in ("/m/c/https://evil.example/", "/m/c/abc:def:ghi/"):
            response = client.get(path)
            assert response.status_code == 404
            assert "Location" not in response.headers

    @pytest.mark.parametrize("method", ["get", "head"])
    def test_looking_at_the_page_changes_nothing(self, method, client, make_email):
        email = make_email()

        response = getattr(client, method)(path_of(links.unsubscribe_url(email.pk)))

        assert response.status_code == 200
        assert not Suppression.objects.exists()
        assert not TrackingEvent.objects.exists()
        email.refresh_from_db()
        assert email.state == "waiting"

    def test_the_page_has_two_buttons_that_post_to_itself(self, client, make_email):
        url = path_of(links.unsubscribe_url(make_email().pk))

        page = client.get(url).content.decode()

        assert '<html lang="en">' in page
        assert '<meta name="viewport"' in page
        assert '<form method="post">' in page
        assert page.count("<button") == 2
        assert "<script" not in page
        assert "http" not in page.replace("https", "http").split("</head>")[1]

    @pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}])
    def test_a_post_without_cookies_unsubscribes_for_good(
        self, body, make_email, make_lead
    ):
        lead = make_lead()
        email, other = make_email(lead=lead), make_email(lead=lead)
        client = Client(enforce_csrf_checks=True)

        response = client.post(path_of(links.unsubscribe_url(email.pk)), body)

        assert response.status_code == 200
        assert "You get no more mail" in response.content.decode()
        assert is_suppressed(email.address)
        assert TrackingEvent.objects.get().kind == "unsubscribe"
        assert set(Email.objects.values_list("state", "reason")) == {
            ("skipped", "suppressed")
        }
        assert set(Recipient.objects.values_list("state", "reason")) == {
            ("skipped", "suppressed")
        }
        assert other.address not in str(Suppression.objects.get().__dict__)

    def test_unsubscribing_twice_is_unsubscribing_once(self, make_email):
        email = make_email()

        assert unsubscribe(email.pk)
        assert unsubscribe(email.pk)

        assert Suppression.objects.count() == 1

    def test_a_test_mail_stops_nothing(self, client, make_email):
        email = make_email()
        Email.objects.update(kind="test", campaign=None)

        response = client.post(path_of(links.unsubscribe_url(email.pk)))

        assert "Nothing to stop" in response.content.decode()
        assert not Suppression.objects.exists()

    def test_a_broken_link_is_a_clear_page(self, client):
        response = client.get("/m/u/12:nonsense/")

        assert response.status_code == 404
        assert "open it again from the mail" in response.content.decode()
