"""What every listing source gives: pages to ask for, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

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


@dataclass(frozen=True)
class ListRow:
    """One listing on a list page; `key` is the source's own id of it."""

    key: str
    url: str
    title: str
    place: str = ""


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
