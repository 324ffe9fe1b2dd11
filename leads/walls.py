"""Tell a page from what stands in its place: walls, challenges, shells, parked names. Pure.

Many of them come with status 200 and would read as a site with nothing on it.
"""

from __future__ import annotations

import re

#: Characters of visible text from which a page is more than a wall.
_WALL_TEXT = 2_500
#: Characters of source beyond which no wall is looked for.
LONGEST_WALL = 400_000
#: Titles that only walls have.
_WALL_TITLES = re.compile(
    r"^\s*(?:just a moment|attention required!|access (?:to this page has been )?denied"
    r"|access denied|please wait\W|one moment, please|checking your browser|ddos.guard"
    r"|security check\b|are you (?:a )?(?:human|robot)|robot (?:or human|check)"
    r"|human verification|verify(?:ing)? (?:you are|that you are|you're) (?:a )?human"
    r"|pardon our interruption|request (?:blocked|rejected|unsuccessful)|you have been blocked"
    r"|blocked\s*$|captcha\b|bot verification|401 |403 |forbidden\s*$|error 40[13]\b"
    r"|429 |too many requests|sucuri website firewall|radware|unusual traffic)",
    re.IGNORECASE,
)
#: Sentences and marks that walls have in their few words or in their source.
_WALL_WORDS = re.compile(
    r"checking (?:if the site connection is secure|your browser before)"
    r"|enable javascript and cookies to continue|complete the security check to access"
    r"|verify(?:ing)? (?:you are|that you are|you're) (?:a )?human|press (?:&|and) hold"
    r"|sorry, you have been blocked|(?:ip|access|request) (?:address )?(?:has been|was|is)"
    r" (?:temporarily )?(?:blocked|denied)"
    r"|automated (?:access|queries|requests|traffic)|unusual traffic from your"
    r"|you don't have permission to access .{1,200} on this server"
    r"|incapsula incident id|pardon our interruption|are you a (?:human|robot)\?",
    re.IGNORECASE | re.DOTALL,
)
_WALL_MARKS = re.compile(
    r"_cf_chl_opt|cf-challenge|cf_chl_|/cdn-cgi/challenge-platform/h/[bg]/orchestrate"
    r"|captcha-delivery\.com|px-captcha|_Incapsula_Resource|awswaf\.com/.{0,200}challenge"
    r"|challenge-container|ddos-guard|geo\.captcha|sec-if-cpt-container",
    re.IGNORECASE,
)
#: Nothing was painted: an empty place for a script's own page.
_SHELL = re.compile(
    r"<(?:div|main|app-root)[^>]{0,300}\bid=[\"']?(?:root|app|__next|__nuxt|gatsby-focus-wrapper"
    r"|main-app|site-root)[\"']?[^>]{0,300}>\s*</|<app-root[^>]{0,300}>\s*</app-root>",
    re.IGNORECASE,
)
_SHELL_TEXT = 200
_PARKED = re.compile(
    r"(?:this )?domain (?:name )?(?:is|may be) for sale|buy this domain"
    r"|domain (?:is )?parked|parked (?:free|domain)|this (?:web ?)?page is parked"
    r"|sedoparking|parkingcrew|future home of something quite cool"
    r"|account (?:has been )?suspended|website coming soon|default web page"
    r"|apache2 (?:ubuntu|debian) default page|welcome to nginx!|it works!$"
    r"|index of /\s",
    re.IGNORECASE,
)
_PARKED_TEXT = 1_500


def find_wall(source: str, *, title: str, text: str) -> str:
    """Say which wall stands in place of the page, empty for a page."""
    if len(text) > _WALL_TEXT or len(source) > LONGEST_WALL:
        return ""
    words = _WALL_WORDS.search(text)
    if _WALL_TITLES.match(title):
        return f"A block page came in place of the page: {_short(title)!r}."
    if words:
        return f"A block page came in place of the page: {_short(words[0])!r}."
    if len(text) < _WALL_TEXT / 2 and (mark := _WALL_MARKS.search(source)):
        return f"A test for robots came in place of the page ({_short(mark[0])})."
    return ""


def is_shell(source: str, *, text: str) -> bool:
    """Say whether the page is empty until a browser runs its scripts."""
    if len(text) >= _SHELL_TEXT:
        return False
    return bool(_SHELL.search(source)) or (
        "<script" in source.lower() and len(text) < 20 and len(source) > 500
    )


def is_parked(*, title: str, text: str) -> bool:
    """Say whether a host's own page stands where the site was or will be."""
    if len(text) > _PARKED_TEXT:
        return False
    return bool(_PARKED.search(f"{title} {text}"))


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:80]
