"""Read places as job adverts write them: "Berlin, Germany", "Remote - US". Pure."""

from __future__ import annotations

import re

#: What is no town: the whole world, parts of it, and ways to work.
_WIDE = re.compile(
    r"^(?:fully\s+)?(?:remote|anywhere|worldwide|global|hybrid|on-?site|distributed|various"
    r"|multiple locations|americas|north america|latin america|latam|europe|emea|apac|asia"
    r"|africa|work from home|home[- ]based|flexible)\b",
    re.IGNORECASE,
)
_COUNTRIES = frozenset(
    name.strip()
    for name in """
    us, usa, u.s., u.s.a., u.s, u.s.a, united states, united states of america, uk, u.k,
    united kingdom, great britain, england, scotland, wales, northern ireland, ireland,
    canada, mexico, brazil, argentina, chile, colombia, peru, uruguay, costa rica, panama,
    germany, deutschland, france, spain, italy, portugal, netherlands, the netherlands,
    belgium, luxembourg, switzerland, austria, poland, czechia, czech republic, slovakia,
    hungary, romania, bulgaria, greece, croatia, slovenia, serbia, ukraine, estonia,
    latvia, lithuania, sweden, norway, denmark, finland, iceland, turkey, cyprus, malta,
    israel, united arab emirates, uae, saudi arabia, qatar, egypt, morocco, kenya,
    nigeria, ghana, south africa, india, pakistan, bangladesh, sri lanka, nepal, china,
    hong kong, taiwan, japan, south korea, korea, singapore, malaysia, thailand, vietnam,
    indonesia, philippines, the philippines, australia, new zealand
    """.split(",")
)
_US_STATES = frozenset(
    name.strip()
    for name in """
    alabama, alaska, arizona, arkansas, california, colorado, connecticut, delaware,
    florida, georgia, hawaii, idaho, illinois, indiana, iowa, kansas, kentucky, louisiana,
    maine, maryland, massachusetts, michigan, minnesota, mississippi, missouri, montana,
    nebraska, nevada, new hampshire, new jersey, new mexico, new york, north carolina,
    north dakota, ohio, oklahoma, oregon, pennsylvania, rhode island, south carolina,
    south dakota, tennessee, texas, utah, vermont, virginia, washington, west virginia,
    wisconsin, wyoming, ontario, quebec, british columbia, alberta, new south wales
    """.split(",")
)
_STATE = re.compile(r"^[A-Z]{2}$")
#: "Onsite in Oslo": what stands before the town.
_MODE = re.compile(
    r"^(?:on-?site|hybrid|in[- ](?:person|office))\b[\s:,(-]*(?:(?:in|at)\s+)?",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"\s*(?:;|/|\||\bor\b|\band\b|&|•|\n)\s*")
_ASIDE = re.compile(r"\([^)]*\)|\[[^]]*\]")


def read_written_place(text: str) -> dict[str, str]:
    """Give city, region and country of the first town named; without one, no city.

    "Remote" alone gives nothing, "Remote, Germany" the country.
    """
    for each in _SEVERAL.split(_ASIDE.sub("", text)):
        bare = _MODE.sub("", each.strip())
        parts = [part.strip(" .-–—") for part in re.split(r",|\s[-–—]\s", bare)]
        parts = [part for part in parts if part and not _WIDE.match(part)]
        if parts:
            return _named(parts)
    return {}


def _named(parts: list[str]) -> dict[str, str]:
    """Name the parts; what is neither state nor country is another town, or unknown."""
    if len(parts) == 1:
        is_country = parts[0].lower() in _COUNTRIES
        return {"country": parts[0]} if is_country else {"city": parts[0]}
    found = {"city": parts[0]}
    last = parts[-1]
    if last.lower() in _COUNTRIES:
        found["country"] = last
        if len(parts) > 2:
            found["region"] = parts[1]
    elif _is_state(parts[1]):
        found["region"] = parts[1]
    return found


def _is_state(part: str) -> bool:
    return bool(_STATE.match(part)) or part.lower() in _US_STATES
