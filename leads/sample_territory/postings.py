"""The classified ads of the sample territory."""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

_PACIFIC = ZoneInfo("America/Los_Angeles")
_LIFETIME = datetime.timedelta(days=30)

#: Craigslist's abbreviations of its service categories and their labels.
CATEGORIES = {
    "bbb": "services",
    "aos": "automotive services",
    "biz": "small biz ads",
    "bts": "beauty services",
    "cms": "cell phone / mobile services",
    "cps": "computer services",
    "crs": "creative services",
    "cys": "cycle services",
    "evs": "event services",
    "fgs": "farm & garden services",
    "fns": "financial services",
    "hss": "household services",
    "lbs": "labor / hauling / moving",
    "lgs": "legal services",
    "lss": "lessons & tutoring",
    "mas": "marine services",
    "pas": "pet services",
    "rts": "real estate services",
    "sks": "skilled trade services",
    "trv": "travel/vacation services",
    "wet": "writing / editing / translation",
}


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One ad; `website` holds `{port}`, and `removed` says why the ad is gone."""

    token: str
    number: int
    slug: str
    title: str
    category: str
    place: str
    days_ago: int
    at: datetime.time
    latitude: float
    longitude: float
    text: tuple[str, ...]
    price: str = ""
    website: str = ""
    removed: str = ""

    def posted_at(self, today: datetime.date) -> datetime.datetime:
        """Return when the ad was posted, in the town's own time zone."""
        day = today - datetime.timedelta(days=self.days_ago)
        return datetime.datetime.combine(day, self.at, tzinfo=_PACIFIC)

    def expires_at(self, today: datetime.date) -> datetime.datetime:
        """Return when the ad disappears from search engines."""
        return self.posted_at(today) + _LIFETIME


@cache
def postings() -> tuple[Posting, ...]:
    """Return all ads, newest first, as the listing shows them."""
    rows = tomllib.loads(
        Path(__file__).with_name("postings.toml").read_text(encoding="utf-8")
    )["posting"]
    return tuple(_posting(row) for row in rows)


def postings_in(category: str) -> tuple[Posting, ...]:
    """Return the ads of a category; `bbb` is all of them."""
    return tuple(p for p in postings() if category in ("bbb", p.category))


def _posting(row: dict[str, Any]) -> Posting:
    latitude, longitude = row.pop("geo")
    text = tuple(row.pop("text"))
    return Posting(latitude=latitude, longitude=longitude, text=text, **row)
