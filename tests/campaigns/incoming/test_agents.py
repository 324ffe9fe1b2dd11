"""User agents: machines are told from people's browsers and mail programs."""

from __future__ import annotations

import pytest

from campaigns.incoming.agents import is_bot

_WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
PEOPLE = [
    "Outlook/16.0",
    "Thunderbird/128.4.0",
    "BlackBerry9700/5.0.0.862",
    "SAMSUNG-GT-S8500/S8500XXJEE",
    f"{_WIN} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    f"{_WIN} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
    f"{_WIN} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 OPR/106.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.91 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/119.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/440.0;]",
    f"{_WIN} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91 Safari/537.36; Microsoft Outlook 16.0.14326",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; Microsoft Outlook 16.0.5)",
    f"{_MAC} AppleWebKit/537.36 (KHTML, like Gecko) Thunderbird/128.4.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114 Mobile DuckDuckGo/5 Safari/537.36",
]
MACHINES = [
    "",
    "-",
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.9.1",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "Java/17.0.2",
    "okhttp/4.12.0",
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 (compatible; MimecastLinkScanner/1.0)",
    f"{_WIN} AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1",
    "Microsoft Office Existence Discovery",
    "GuzzleHttp/7",
    "PostmanRuntime/7.36.0",
    "PycURL/7.45.2 libcurl/8.1.2",
    "reqwest/0.11.22",
    "Deno/1.38.0",
    "ELB-HealthChecker/2.0",
    "kube-probe/1.27",
    "Prometheus/2.45.0",
    "aria2/1.36.0",
    "some-new_tool/v0.3",
    "Microsoft-CryptoAPI/10.0",
    "Mozilla/5.0 (Linux; Android 11; moto g power) Chrome/119.0 Mobile Safari/537.36 Chrome-Lighthouse",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_person_is_no_machine(agent):
    assert not is_bot(agent)


@pytest.mark.parametrize("agent", MACHINES)
def test_a_machine_is_recognised(agent):
    assert is_bot(agent)


def test_an_endless_agent_costs_nothing():
    assert not is_bot("Mozilla/5.0 (X11; Linux) Firefox/1 " + "a" * 10_000_000)
