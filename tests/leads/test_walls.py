"""What stands in place of a page is told from a page, and a page never taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.contacts import visible_text
from leads.pages import first, parse_html, text_of
from leads.walls import find_wall, is_parked, is_shell


def wall(source: str) -> str:
    page = parse_html(source)
    title = text_of(first(page, "//title"))
    return find_wall(source, title=title, text=visible_text(page))


@pytest.mark.parametrize(
    "source",
    [
        "<title>Just a moment...</title><body>x",
        "<title>Attention Required! | Cloudflare</title><body>Sorry, you have been blocked",
        "<title>Access Denied</title><body>You don't have permission to access this",
        "<body>Request unsuccessful. Incapsula incident ID: 4",
        "<title>shop.example</title><script src=https://ct.captcha-delivery.com/c.js></script>",
        "<title>Robot or human?</title><body>Press and hold",
        "<title>403 Forbidden</title><center>nginx</center>",
        "<title>blocked</title>",
        "<body><script>window._cf_chl_opt={}</script>Enable JavaScript and cookies to continue",
        '<title>Vérification</title><body>Confirmez que vous êtes humain<div class="h-captcha">',
        '<body>Prove that you are no robot<div id=c class="box cf-turnstile" data-sitekey=x>',
        "<title>アクセスが拒否されました</title><body>しばらくしてから",
        "<title>Zugriff verweigert</title><body>Referenz 18.2",
        "<body>Bitte bestätigen Sie, dass Sie kein Roboter sind.",
        "<body><script>window.KPSDK={}</script><script src=/149e/ips.js></script>",
        '<meta http-equiv="refresh" content="0;/.well-known/sgcaptcha/?r=%2F">',
        "<title>Vercel Security Checkpoint</title><body>One moment",
        "<body>Solve it so we know you are a real person<script src=//client-api.arkoselabs.com/v2/x/api.js></script>",
        "<title>Sorry</title><body>This content is not available in your region.",
        "<title>Limited</title><body>Your access to this site has been limited by its owner",
    ],
)
def test_a_wall_is_named(source):
    assert wall(source)


@pytest.mark.parametrize(
    "source",
    [
        "<title>Rosa's Bakery</title><body>Cakes<script src=/cdn-cgi/challenge-platform/scripts/jsd/main.js>",
        "<title>Block and Sons, Masonry</title><body>Blocked drains cleared",
        "<title>How we verify you are human</title><body>" + "Long article. " * 400,
        "<title>Forbidden City Restaurant</title><body>Dumplings",
        "<title>Security Checkers Ltd</title><body>Alarms",
        '<title>Rosa</title><body>Write to us<form><div class="g-recaptcha"></div></form>',
        "<title>Human Hair</title><body>Robots never cut here<p class=g-recaptcha>",
        "<title>Rosa</title><body>Nuestra atención es humana, somos panaderos",
        "",
    ],
)
def test_a_page_is_no_wall(source):
    assert wall(source) == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<body><div id="root"></div><script src=a.js></script>', True),
        ("<body><app-root></app-root><script src=a.js></script>", True),
        (
            f"<head><style>{'a' * 600}</style></head><body><script src=a.js></script>",
            True,
        ),
        ('<body><div id="root"><h1>Rosa</h1></div><script src=a.js></script>', False),
        ("<body><p>Short and static", False),
    ],
)
def test_a_shell_is_empty_until_scripts_run(source, expected):
    assert is_shell(source, text=visible_text(parse_html(source))) is expected


def test_a_parked_name_is_told_from_a_dealer_in_parking():
    assert is_parked(title="shop.example", text="This domain is for sale! Buy now")
    assert is_parked(title="Welcome to nginx!", text="If you see this page")
    assert not is_parked(title="City Parking", text="We sell parking lots and more.")


@given(st.text(), st.text(), st.text())
def test_any_text_is_a_wall_or_not(source, title, text):
    assert isinstance(find_wall(source, title=title, text=text), str)
