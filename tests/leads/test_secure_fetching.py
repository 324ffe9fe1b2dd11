"""Pages over TLS: the certificate has to be good, for this name and today."""

from __future__ import annotations

import pytest

from fliptech_site import outbound
from leads.fetching import fetch
from tests.leads.secure_web import SecureWeb
from tests.leads.web import serving


@pytest.fixture
def secure(tmp_path, settings):
    """Give a function that starts a site over TLS."""
    started = []

    def start(**options) -> SecureWeb:
        web = SecureWeb(tmp_path, **options)
        started.append((web, serving(web)))
        settings.FETCH_ALLOWED_PRIVATE = [f"*.localhost:{web.port}"]
        settings.FETCH_DELAY_MS = settings.FETCH_RETRIES = 0
        settings.FETCH_CA_FILE = str(web.certificate)
        return web

    yield start
    for web, thread in started:
        web.shutdown()
        thread.join()
        web.server_close()


@pytest.mark.django_db
def test_a_page_with_a_good_certificate_is_fetched(secure, patience):
    web = secure(names=["shop.localhost"])
    page = fetch(web.put("shop", "/", "<p>hello"), patience=patience)
    assert (page.outcome, page.text) == ("ok", "<p>hello")
    assert page.final_url.startswith("https://")


@pytest.mark.parametrize(
    ("options", "is_trusted"),
    [
        ({"names": ["other.localhost"]}, True),
        ({"names": ["shop.localhost"], "days": -1}, True),
        ({"names": ["shop.localhost"]}, False),
    ],
)
def test_a_certificate_of_another_name_date_or_signer_is_refused(
    secure, settings, options, is_trusted
):
    web = secure(**options)
    url = web.put("shop", "/", "secret")
    if not is_trusted:
        settings.FETCH_CA_FILE = ""
    with pytest.raises(outbound.Unreachable, match="has no valid certificate"):
        outbound.get(url)
    assert web.requests == []


def test_a_site_that_speaks_no_tls_says_so(web, settings):
    url = web.put("shop", "/", "x").replace("http://", "https://")
    with pytest.raises(outbound.Unreachable):
        outbound.get(url)
