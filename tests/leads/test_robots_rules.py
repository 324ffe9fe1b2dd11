"""robots.txt as RFC 9309 reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.robots_rules import parse_robots

PAGE = "https://shop.example/private/page"


def allows(body: str, url: str = PAGE) -> bool:
    return parse_robots(body, agent="FlipTechBot").allows(url)


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /private", False),
        ("User-agent: *\nDisallow:", True),
        ("User-agent: fliptechbot\nDisallow: /", False),
        ("User-agent: FlipTechBot/2.0\nDisallow: /", False),
        ("User-agent: FlipTechBot and friends\nDisallow: /", False),
        ("User-agent: OtherBot\nDisallow: /", True),
        # A shorter product token is another product (RFC 9309, 2.2.1).
        ("User-agent: FlipTech\nDisallow: /", True),
        ("User-agent: Flip\nDisallow: /\n\nUser-agent: *\nAllow: /", True),
        # Our own group counts, the one for everybody doesn't.
        ("User-agent: *\nDisallow: /\n\nUser-agent: FlipTechBot\nAllow: /", True),
        # Groups of the same agent are one (2.2.1).
        ("User-agent: FlipTechBot\nAllow: /x\n\nUser-agent: FlipTechBot\nDisallow: /p", False),
        # The longest rule wins; among equals Allow does (2.2.2).
        ("User-agent: *\nDisallow: /private\nAllow: /private/page", True),
        ("User-agent: *\nAllow: /private/page\nDisallow: /private/page", True),
        ("User-agent: *\nDisallow: /*/page$", False),
        ("\ufeffUser-agent: *\r\nDisallow: /", False),
        ("User-agent: *\rDisallow: /\r", False),
        ("User-agent: A\nUser-agent: FlipTechBot\nDisallow: /", False),
    ],
)  # fmt: skip
def test_the_rules_say_who_may_go_where(body, allowed):
    assert allows(body) is allowed


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Crawl-delay: 0.5", 0.5),
        ("Crawl-delay: 10", 10),
        ("Crawl-delay: 2.5 # seconds", 2.5),
        ("Crawl-delay: 1,5", 1.5),
        ("Request-rate: 30/1m", 2),
        ("Request-rate: 0/1", None),
        ("Request-rate: 1/4", 4),
        ("Crawl-delay: 1\nRequest-rate: 1/3", 3),
        ("Crawl-delay: soon", None),
        ("Disallow: /x", None),
    ],
)
def test_the_delay_is_read_with_fractions(line, seconds):
    rules = parse_robots(f"User-agent: *\n{line}", agent="FlipTechBot")
    assert rules.delay_seconds == seconds


def decide(body: str | bytes, agent: str, url: str) -> bool:
    return parse_robots(body, agent=agent).allows(url)


@pytest.mark.parametrize("value", ["FLIP BOT", "flip/2.1", "Flip, Flap", "FLIP*"])
def test_a_user_agent_line_means_its_first_word(value):
    body = f"User-agent: *\nAllow: /\n\nUser-agent: {value}\nDisallow: /"
    assert not decide(body, "flip", PAGE)
    assert decide(body, "flip bot", PAGE)


@pytest.mark.parametrize("agent", ["flip-bot2", "flip-bot2.1", "Flip-Bot10"])
def test_a_version_right_behind_a_name_is_no_part_of_it(agent):
    body = "User-agent: flip-bot\nDisallow: /\n\nUser-agent: flip\nAllow: /"
    assert not decide(body, agent, PAGE)
    assert decide("User-agent: flip\nDisallow: /", "2flip", PAGE)


def test_a_header_is_known_by_the_products_in_it():
    body = "User-agent: Mozilla\nAllow: /\n\nUser-agent: FlipTechBot\nDisallow: /"
    header = "Mozilla/5.0 (compatible; FlipTechBot/1.0; +mailto:x@agency.example)"
    assert not decide(body, header, PAGE)
    assert decide(body, "Mozilla/5.0 (X11) Other/2", PAGE)


def test_a_robot_without_a_group_obeys_the_one_of_its_family():
    body = "User-agent: *\nAllow: /\n\nUser-agent: flip\nDisallow: /"
    assert not decide(body, "flip-images", PAGE)
    assert decide(body, "flipper", PAGE)


@pytest.mark.parametrize(
    ("rule", "path", "matches"),
    [
        ("/private", "/private/x", True),
        ("/private", "/Private", False),
        ("/a*/z$", "/ab/c/z", True),
        ("/a*/z$", "/ab/c/zz", False),
        ("/*.php$", "/x.php?y=.php", True),
        ("/a$b", "/a$bc", True),
        ("*", "/anything", True),
        ("/a**b", "/ab", True),
        ("/ab*b$", "/ab", False),
        # RFC 9309, section 2.2.2: compared after encoding and decoding.
        ("/m\u00fcll", "/m%C3%BCll", True),
        ("/m%c3%bcll", "/m\u00fcll", True),
        ("/%62ar", "/bar", True),
        ("/a%2fb", "/a/b", False),
        ("/a%2fb", "/a%2Fb", True),
        ("/go?to=http%3A%2F%2Fx", "/go?to=http://x", True),
        # Section 2.2.3: the signs themselves.
        ("/x%2Ay", "/x*y", True),
        ("/x%2Ay", "/xzy", False),
        ("/cash-%24", "/cash-$", True),
        ("relative", "/relative", False),
        ("/?", "/?q", True),
        ("/?", "/", False),
    ],
)
def test_patterns_match_as_the_rfc_compares_them(rule, path, matches):
    url = f"https://shop.example{path}"
    assert decide(f"User-agent: *\nDisallow: {rule}", "any", url) is not matches


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://shop.example", False),
        ("", False),
        ("shop.example/x", False),
        ("//shop.example/x", False),
        ("https://shop.example/robots.txt", True),
        ("https://shop.example/shop/", True),
        ("https://shop.example/shop/index.html", True),
        ("https://shop.example/shop/index.htm", False),
        ("https://shop.example/x?y=/shop/#/shop/", False),
    ],
)
def test_what_has_no_path_is_the_root_and_index_html_its_directory(url, allowed):
    body = "User-agent: *\nDisallow: /\nAllow: /shop/index.html"
    assert decide(body, "any", url) is allowed


@pytest.mark.parametrize(
    "body",
    [
        "user-agent *\ndisallow /x",
        "useragent: *\nDisallow: /x",
        "USER AGENT: *\nDISSALLOW: /x",
        "User-agent: * # all\nDisallow: /x # this\n",
        "User-agent:*\nDisallow:/x",
        "User-agent: *\n\n\nDisallow: /x",
        "User-agent: me\nSitemap: https://a/b\nNonsense: 1\nUser-agent: *\nDisallow: /x",
        "User-agent: me\nCrawl-delay: 3\nUser-agent: *\nDisallow: /x",
        "User-agent: *\u2028\nDisallow: /y\n\nUser-agent: *\nDisallow: /x",
    ],
)
def test_small_faults_of_writing_are_read_as_meant(body):
    assert not decide(body, "any", "https://shop.example/x")


def test_rules_before_any_agent_mean_nobody():
    assert decide("Disallow: /\nUser-agent: you\nDisallow: /", "any", PAGE)


def test_a_delay_and_a_blank_line_end_a_group():
    """Else a delay for all and a ban of one would ban everybody."""
    body = "User-agent: *\nCrawl-delay: 5\n\nUser-agent: GreedyBot\nDisallow: /"
    rules = parse_robots(body, agent="FlipTechBot")
    assert (rules.allows(PAGE), rules.delay_seconds) == (True, 5)
    assert not decide(body, "GreedyBot", PAGE)


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"])
def test_a_byte_order_mark_or_half_of_one_is_skipped(mark):
    assert not decide(mark + b"User-agent: *\nDisallow: /", "any", PAGE)


def test_utf_16_and_bytes_of_other_sets_are_read():
    text = "User-agent: *\nDisallow: /"
    assert not decide(text.encode("utf-16"), "any", PAGE)
    latin = "User-agent: *\nDisallow: /m\u00fcll".encode("latin-1")
    assert not decide(latin, "any", "https://shop.example/m%FCll")


def test_a_line_is_read_up_to_16663_octets():
    long = "/x/" + "a" * 20_000
    body = f"User-agent: *\nDisallow: {long}"
    assert decide(body, "any", "https://shop.example/x/a")
    assert not decide(body, "any", f"https://shop.example{long[:16_653]}")


def test_stars_in_plenty_cost_no_time():
    body = "User-agent: *\nDisallow: /" + "*a" * 2_000 + "$"
    assert decide(body, "any", "https://shop.example/" + "a" * 20_000 + "b")


def test_the_rule_that_decides_can_be_named():
    rules = parse_robots("User-agent: *\nDisallow: /a\nAllow: /a/b*", agent="any")
    assert rules.deciding_rule("https://shop.example/a/bc") == "allow: /a/b*"
    assert rules.deciding_rule("https://shop.example/c") == ""


@given(st.text() | st.binary(), st.text())
def test_any_text_is_rules(body, path):
    rules = parse_robots(body, agent="FlipTechBot")
    assert rules.allows(f"https://shop.example/{path}") in (True, False)
    assert rules.delay_seconds is None or rules.delay_seconds >= 0
