"""The web sites of the sample territory and what is odd about each of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Site:
    """One business's site: its pages lie in `pages/<name>/`."""

    name: str
    #: Seconds that its home page takes to answer.
    slow_seconds: float = 0
    #: The first visit after the server's start is answered 429 with this Retry-After.
    first_visit_retry_after: int = 0
    #: Pages that always end in a server error.
    broken_pages: frozenset[str] = field(default_factory=frozenset)
    #: How the bytes are encoded; the header always promises UTF-8.
    encoding: str = "utf-8"


SITES = {
    site.name: site
    for site in (
        Site(name="rosales-bakery"),
        Site(name="harbor-light-plumbing", slow_seconds=1.6),
        Site(name="blue-gum-landscaping"),
        Site(name="pier-nine-auto"),
        Site(name="tidewater-upholstery"),
        Site(name="sunrise-nails"),
        Site(name="okafor-moving", first_visit_retry_after=2),
        Site(name="alder-point-dental"),
        Site(name="fogline-coffee"),
        Site(name="lockwood-locksmith"),
        Site(name="marisol-vega-photo", broken_pages=frozenset({"index.html"})),
        Site(name="old-mill-antiques", encoding="windows-1252"),
    )
}
