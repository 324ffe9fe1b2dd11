"""What every listing source gives: pages to ask for, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from leads.outcomes import Outcome
from leads.records import Value


class PageState(StrEnum):
    """What kind of page came; the words an outcome is made of."""

    #: Listings, or a posting with its text.
    CONTENT = "content"
    #: A good page that is proved to list nothing.
    EMPTY = "empty"
    #: A good page whose rows only a browser would fill in.
    UNPAINTED = "unpainted"
    #: A block page or wall in place of the source's own page.
    BLOCKED = "blocked"
    #: The posting was taken down.
    REMOVED = "removed"
    #: The source's own page, and nothing on it that we know to read.
    UNKNOWN = "unknown"


class ListRow(NamedTuple):
    """One listing on a list page; `key` is the source's own id of it."""

    key: str
    url: str
    title: str
    place: str = ""
    #: As it is written: "$1,200"; empty where there is none.
    price: str = ""
    #: As the source writes it, ISO 8601 where it does.
    posted_at: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class ListPage:
    """A list page: its state, why, and the rows inside the result container."""

    state: PageState
    reason: str = ""
    rows: list[ListRow] = field(default_factory=list)
    #: Rows of the container without a readable link.
    unreadable: int = 0


@dataclass(frozen=True)
class PostingPage:
    """A posting page: its state, why, and a lead's fields when there is content."""

    state: PageState
    reason: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    #: The posting's headline, for a business whose name isn't said.
    headline: str = ""
    expires_at: datetime | None = None
    #: What else the page says, for people to read: price, dates, attributes.
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PageReading:
    """What a page of any kind holds, and how its reading ended; for `explain page`."""

    outcome: Outcome
    reason: str = ""
    #: One plain object for each business, listing or described thing.
    items: list[dict[str, Any]] = field(default_factory=list)
    #: What else is known of the page.
    more: dict[str, Any] = field(default_factory=dict)


#: Reads a page's text at its address; never raises.
PageReader = Callable[[str, str], PageReading]

#: What becomes of a page in each state.
OUTCOMES = {
    PageState.CONTENT: Outcome.OK,
    PageState.EMPTY: Outcome.EMPTY,
    PageState.UNPAINTED: Outcome.MARKUP_CHANGED,
    PageState.BLOCKED: Outcome.BLOCKED,
    PageState.REMOVED: Outcome.EMPTY,
    PageState.UNKNOWN: Outcome.MARKUP_CHANGED,
}


class Source(Protocol):
    """A place where businesses are listed."""

    name: str
    #: Its terms forbid automation: off until the owner's consent is recorded.
    needs_consent: bool

    def base_url(self) -> str:
        """Give the address that consent is recorded for."""

    def check(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Give the parameters in their one spelling. Raises InvalidInput."""

    def list_url(self, parameters: Mapping[str, Any]) -> str:
        """Give the address of the list."""

    def region(self, parameters: Mapping[str, Any]) -> str:
        """Give the ISO 3166 country in whose notation phone numbers are read."""

    def read_list(self, text: str, *, url: str) -> ListPage:
        """Read a list page; never raises."""

    def read_posting(self, text: str) -> PostingPage:
        """Read a posting's page; never raises."""
