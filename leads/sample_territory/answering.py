"""Decide what the sample territory answers: a request in, an answer out, no effects."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from django.template import Context, Engine, TemplateDoesNotExist

from leads.sample_territory.postings import (
    CATEGORIES,
    Posting,
    postings,
    postings_in,
)
from leads.sample_territory.sites import SITES, Site

PAGES = Path(__file__).with_name("pages")
#: The category that answers as if the visitor had been blocked.
BLOCKED_CATEGORY = "lgs"
LISTING_NAME = "craigslist"
_AREA = "sfbay"
_view_path = re.compile(r"/view/d/[a-z0-9-]+/(?P<token>[A-Za-z0-9_-]{22})")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One visit; `host` is the Host header without the port."""

    host: str
    target: str
    port: int
    today: datetime.date
    #: Visits that this host had before, those to robots.txt not counted.
    earlier_visits: int = 0

    @property
    def name(self) -> str:
        """The first label of the host: the site's name."""
        return self.host.partition(".")[0].lower()

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def origin(self, name: str) -> str:
        """Return where the site of that name is served."""
        return f"http://{name}.localhost:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back; `delay_seconds` is waited before the first byte."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0


def answer(request: Request) -> Answer:
    """Answer one request by its host; an unknown host gets the territory's directory."""
    if request.name == LISTING_NAME:
        return _answer_listing(request)
    site = SITES.get(request.name)
    return _answer_site(request, site) if site else _answer_directory(request)


@cache
def _engine(folder: str) -> Engine:
    # One for each site: Django's loader then refuses every way out of its folder.
    return Engine(dirs=[str(PAGES / folder)])


def _render(folder: str, page: str, **context: object) -> str:
    return _engine(folder).get_template(page).render(Context(context))


def _page(status: HTTPStatus, folder: str, page: str, **context: object) -> Answer:
    return Answer(status=status, body=_render(folder, page, **context).encode())


def _plain(status: HTTPStatus, text: str, **headers: str) -> Answer:
    return Answer(
        status=status,
        body=text.encode(),
        content_type="text/plain; charset=utf-8",
        headers=headers,
    )


def _not_found() -> Answer:
    return _plain(HTTPStatus.NOT_FOUND, "Not found.\n")


def _robots(name: str) -> Answer:
    path = PAGES / name / "robots.txt"
    return (
        _plain(HTTPStatus.OK, path.read_text(encoding="utf-8"))
        if path.exists()
        else _not_found()
    )


def _answer_directory(request: Request) -> Answer:
    if request.path != "/":
        return _not_found()
    return _page(
        HTTPStatus.OK,
        "directory",
        "index.html",
        listing=request.origin(LISTING_NAME),
        sites=[request.origin(name) for name in SITES],
    )


def _answer_listing(request: Request) -> Answer:
    if request.path == "/robots.txt":
        return _robots(LISTING_NAME)
    if request.path == f"/search/area/{_AREA}":
        category = parse_qs(request.target.partition("?")[2]).get("cat", ["bbb"])[0]
        return _answer_search(request, category)
    match = _view_path.fullmatch(request.path)
    found = match and next(
        (posting for posting in postings() if posting.token == match["token"]), None
    )
    return _answer_posting(request, found) if found else _not_found()


def _answer_search(request: Request, category: str) -> Answer:
    if category not in CATEGORIES:
        return _not_found()
    if category == BLOCKED_CATEGORY:
        return _page(HTTPStatus.FORBIDDEN, LISTING_NAME, "blocked.html")
    return _page(
        HTTPStatus.OK,
        LISTING_NAME,
        "listing.html",
        origin=request.origin(LISTING_NAME),
        area=_AREA,
        category=category,
        label=CATEGORIES[category],
        see_also=[(key, label) for key, label in CATEGORIES.items() if key != category],
        postings=postings_in(category),
    )


def _answer_posting(request: Request, posting: Posting) -> Answer:
    if posting.removed:
        return _page(HTTPStatus.OK, LISTING_NAME, "removed.html", posting=posting)
    return _page(
        HTTPStatus.OK,
        LISTING_NAME,
        "posting.html",
        posting=posting,
        origin=request.origin(LISTING_NAME),
        url=f"{request.origin(LISTING_NAME)}{request.path}",
        label=CATEGORIES[posting.category],
        website=posting.website.format(port=request.port),
        posted=posting.posted_at(request.today).strftime("%Y-%m-%dT%H:%M:%S%z"),
        expires=posting.expires_at(request.today).isoformat(),
    )


def _answer_site(request: Request, site: Site) -> Answer:
    if request.path == "/robots.txt":
        return _robots(site.name)
    if site.first_visit_retry_after and not request.earlier_visits:
        return _plain(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many visitors at once, please come back in a moment.\n",
            **{"Retry-After": str(site.first_visit_retry_after)},
        )
    page = request.path.lstrip("/") or "index.html"
    try:
        text = _render(
            site.name,
            page,
            origin=request.origin(site.name),
            year=request.today.year,
        )
    except TemplateDoesNotExist:
        return _not_found()
    broken = page in site.broken_pages
    return Answer(
        status=HTTPStatus.INTERNAL_SERVER_ERROR if broken else HTTPStatus.OK,
        body=text.encode(site.encoding),
        delay_seconds=site.slow_seconds if page == "index.html" else 0,
    )
