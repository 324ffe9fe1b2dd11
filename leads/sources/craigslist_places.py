"""The words Craigslist knows for places and categories. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from fliptech_site.errors import InvalidInput

#: Where businesses offer their services, and where they look for people.
CATEGORIES = {
    "bbb": "all services",
    "aos": "automotive services",
    "biz": "small biz ads",
    "bts": "beauty services",
    "cms": "cell phone and mobile services",
    "cps": "computer services",
    "crs": "creative services",
    "cys": "cycle services",
    "evs": "event services",
    "fgs": "farm and garden services",
    "fns": "financial services",
    "hss": "household services",
    "lbs": "labor, hauling and moving",
    "lgs": "legal services",
    "lss": "lessons and tutoring",
    "mas": "marine services",
    "pas": "pet services",
    "rts": "real estate services",
    "sks": "skilled trade services",
    "trv": "travel and vacation services",
    "wet": "writing, editing and translation",
    "ggg": "all gigs",
    "cpg": "computer gigs",
    "crg": "creative gigs",
    "cwg": "crew gigs",
    "dmg": "domestic gigs",
    "evg": "event gigs",
    "lbg": "labor gigs",
    "tlg": "talent gigs",
    "wrg": "writing gigs",
    "jjj": "all jobs",
    "bus": "business and management jobs",
    "mar": "marketing jobs",
    "med": "art, media and design jobs",
    "sls": "sales jobs",
    "sof": "software jobs",
    "web": "web and information design jobs",
}


#: What people ask for instead of the words above.
_TRADES = {
    **dict.fromkeys(("plumbing", "plumber", "electrician", "roofing", "hvac"), "sks"),
    **dict.fromkeys(("construction", "carpenter", "painter", "handyman"), "sks"),
    **dict.fromkeys(("cleaning", "locksmith", "upholstery"), "hss"),
    **dict.fromkeys(("hair", "nails", "salon", "barber", "massage"), "bts"),
    **dict.fromkeys(("landscaping", "gardening", "tree service"), "fgs"),
    **dict.fromkeys(("mechanic", "car repair", "auto repair"), "aos"),
    **dict.fromkeys(("movers", "moving", "hauling"), "lbs"),
    **dict.fromkeys(("photography", "photographer", "design"), "crs"),
    **dict.fromkeys(("catering", "wedding", "dj"), "evs"),
    **dict.fromkeys(("dog walking", "pet sitting", "grooming"), "pas"),
    **dict.fromkeys(("tutor", "music lessons", "teacher"), "lss"),
    **dict.fromkeys(("lawyer", "attorney"), "lgs"),
    **dict.fromkeys(("restaurant", "bakery", "shop"), "biz"),
    "services": "bbb",
}
_CITIES = {
    **dict.fromkeys(("san francisco", "oakland", "san jose", "bay area"), "sfbay"),
    **dict.fromkeys(("brooklyn", "manhattan", "nyc", "new york"), "newyork"),
    **dict.fromkeys(("la", "hollywood", "los angeles"), "losangeles"),
    **dict.fromkeys(("washington", "dc", "washington dc"), "washingtondc"),
}


class Area(NamedTuple):
    """One of Craigslist's areas."""

    name: str
    #: ISO 3166; phone numbers are read in this country's notation.
    country: str
    description: str


@cache
def areas() -> dict[str, Area]:
    """Give every known area by its word in URLs."""
    text = (files("leads.sources") / "craigslist_areas.txt").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {name: Area(name, country, full) for name, country, full in rows}


def find_area(location: str) -> Area:
    """Give the area of this name. Raises InvalidInput naming the nearest ones."""
    wanted = location.strip().lower()
    if wanted in areas():
        return areas()[wanted]
    spoken = {area.description.lower(): area.name for area in areas().values()}
    spoken |= _CITIES
    near = _nearest(wanted, areas(), spoken)
    raise InvalidInput(
        f"Craigslist has no location {location!r}: write its word for it, such as {near}."
    )


def find_category(category: str) -> str:
    """Give the category's abbreviation. Raises InvalidInput naming the nearest ones."""
    wanted = category.strip().lower()
    if wanted in CATEGORIES:
        return wanted
    spoken = {label: short for short, label in CATEGORIES.items()}
    spoken |= {word: short for label, short in spoken.items() for word in label.split()}
    spoken |= _TRADES
    near = _nearest(wanted, CATEGORIES, spoken)
    raise InvalidInput(
        f"Craigslist has no category {category!r} that is read here: write one such as"
        f" {near}."
    )


def _nearest(wanted: str, words: Iterable[str], spoken: dict[str, str]) -> str:
    """Name up to three known words that look or read like the wanted one."""
    words = list(words)
    known = dict(zip(words, words, strict=True)) | spoken
    if wanted in spoken:
        return repr(spoken[wanted])
    close = get_close_matches(wanted, known, n=5, cutoff=0.6)
    close += [text for text in spoken if wanted and wanted in text][:3]
    close = close or get_close_matches(wanted, known, n=3, cutoff=0.0) or words
    names = list(dict.fromkeys(known[text] for text in close))[:3]
    return ", ".join(repr(name) for name in names)
