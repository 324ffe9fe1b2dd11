"""Who asks for a mail's pixel and links: people or machines."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from campaigns.incoming.visits import Visit, judge, network_of
from fliptech_site import environment

BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.0 Safari/605.1.15"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
GMAIL_AHEAD = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)


def visit(kind="open", agent=BROWSER, **values):
    headers = {"User-Agent": agent, **values.pop("headers", {})}
    defaults = {"method": "GET", "address": "203.0.113.9", "age": 3600.0}
    return Visit(kind=kind, headers=headers, **{**defaults, **values})


@pytest.mark.parametrize("kind", ["open", "click"])
@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::1", "", "nonsense"])
def test_a_browser_is_a_person(kind, address):
    assert judge(visit(kind, address=address)).is_human


@pytest.mark.parametrize("agent", [GMAIL, YAHOO])
def test_proxies_load_pictures_when_a_person_opens_the_mail(agent):
    assert judge(visit(agent=agent, address="66.249.84.1")).is_human
    assert not judge(visit("click", agent=agent)).is_human
    assert not judge(visit(agent=agent, age=1.0)).is_human


@pytest.mark.parametrize("agent", ["Mozilla/5.0", GMAIL_AHEAD, "", "curl/8.1"])
def test_what_loads_ahead_is_a_machine(agent):
    assert not judge(visit(agent=agent)).is_human


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ],
)
def test_a_browser_that_loads_ahead_says_so(headers):
    verdict = judge(visit("click", headers=headers))

    assert not verdict.is_human
    assert next(iter(headers)) in verdict.reason


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"method": "HEAD"}, "asked with HEAD"),
        ({"kind": "click", "age": 9.0}, "within 10 s"),
        ({"kind": "open", "age": 4.0}, "within 5 s"),
        ({"kind": "click", "links_just_now": 1}, "several links"),
        ({"is_trapped": True}, "hidden link"),
        ({"address": "17.58.1.2"}, "network of Apple"),
        ({"address": "::ffff:148.163.130.7"}, "Proofpoint"),
        ({"kind": "click", "address": "40.94.20.1"}, "Microsoft Defender"),
    ],
)
def test_a_machine_is_told_with_its_reason(values, words):
    verdict = judge(visit(**values))

    assert not verdict.is_human
    assert words in verdict.reason


def test_a_mail_of_which_we_do_not_know_when_it_went_has_no_haste():
    assert judge(visit(age=None)).is_human


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("unix:", ""),
    ],
)
def test_of_an_address_only_the_network_stays(address, network):
    assert network_of(address) == network


@given(text=st.text(max_size=60))
def test_no_text_makes_it_fail(text):
    judge(visit(agent=text, address=text, method=text, headers={"Purpose": text}))
    network_of(text)


@pytest.mark.parametrize(
    ("address", "is_human"),
    [("192.0.2.77", False), ("::ffff:192.0.2.77", False), ("2001:db8:7::1", False),
     ("203.0.113.9", True), ("", True)],
)  # fmt: skip
def test_networks_of_ones_own_are_scanners_too(address, is_human):
    scanners = ["192.0.2.0/24", "2001:db8::/32"]
    verdict = judge(visit("click", address=address), scanners)
    assert verdict.is_human is is_human
    assert ("SCANNER_NETWORKS" in verdict.reason) is not is_human


def test_a_network_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("SCANNER_NETWORKS", "192.0.2.0/24, 192.0.2.5/24")
    with pytest.raises(
        ImproperlyConfigured, match=r"'192.0.2.5/24', which is no network"
    ):
        environment.networks("SCANNER_NETWORKS")
