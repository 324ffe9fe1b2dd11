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
    (
        *("us", "usa", "u.s.", "u.s.a.", "united states", "united states of america"),
        *("uk", "united kingdom", "great britain", "england", "canada", "germany"),
        *("france", "spain", "italy", "ireland", "netherlands", "india", "australia"),
        *("brazil", "mexico", "poland", "portugal", "sweden", "switzerland", "austria"),
        *(
            "japan",
            "singapore",
            "israel",
            "ukraine",
            "romania",
            "new zealand",
            "norway",
        ),
        *("denmark", "finland", "belgium", "argentina", "colombia", "south africa"),
    )
)
_STATE = re.compile(r"^[A-Z]{2}$")
_SEVERAL = re.compile(r"\s*(?:;|/|\||\bor\b|\band\b|&|•|\n)\s*")
_ASIDE = re.compile(r"\([^)]*\)|\[[^]]*\]")


def read_written_place(text: str) -> dict[str, str]:
    """Give city, region and country of the first town named; without one, no city.

    "Remote" alone gives nothing, "Remote, Germany" the country.
    """
    for each in _SEVERAL.split(_ASIDE.sub("", text)):
        parts = [part.strip(" .-–—") for part in re.split(r",|\s[-–—]\s", each)]
        parts = [part for part in parts if part and not _WIDE.match(part)]
        if parts:
            return _named(parts)
    return {}


def _named(parts: list[str]) -> dict[str, str]:
    if len(parts) == 1:
        is_country = parts[0].lower() in _COUNTRIES
        return {"country": parts[0]} if is_country else {"city": parts[0]}
    if len(parts) == 2:
        kind = "region" if _STATE.match(parts[1]) else "country"
        return {"city": parts[0], kind: parts[1]}
    return {"city": parts[0], "region": parts[1], "country": parts[-1]}
