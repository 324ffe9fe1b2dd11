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
        ("Request-rate: 1/4", 4),
        ("Crawl-delay: 1\nRequest-rate: 1/3", 3),
        ("Crawl-delay: soon", None),
        ("Disallow: /x", None),
    ],
)
def test_the_delay_is_read_with_fractions(line, seconds):
    rules = parse_robots(f"User-agent: *\n{line}", agent="FlipTechBot")
    assert rules.delay_seconds == seconds


@given(st.text(), st.text())
def test_any_text_is_rules(body, path):
    rules = parse_robots(body, agent="FlipTechBot")
    assert rules.allows(f"https://shop.example/{path}") in (True, False)
    assert rules.delay_seconds is None or rules.delay_seconds >= 0
