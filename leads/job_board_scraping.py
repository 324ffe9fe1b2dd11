"""Scrape a job board: a company that hires is a lead, and whom it seeks is a signal."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone

from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.errors import InvalidInput
from leads.feed_reading import Feed, read_feed, read_saved_feed
from leads.job_keeping import open_job
from leads.sources.job_boards import NAME, company_page, find_board, read_saved
from leads.sources.job_boards.base import Board, BoardPage, website_of
from leads.vacancy_storing import Origin

_MOST_RESULTS = 5_000
#: How a name on a board may look; it becomes part of an address.
_LONGEST_NAME = 120


def check_board(
    board: str = "",
    company: str = "",
    max_results: object = 100,
    path: str = "",
    website: str = "",
) -> dict[str, Any]:
    """Give the parameters in one spelling, or raise InvalidInput.

    With `path`, a saved answer is read; then `board` may be empty, and is recognised.
    """
    if not isinstance(max_results, int) or not 1 <= max_results <= _MOST_RESULTS:
        raise InvalidInput(
            f"max_results is {max_results!r}: write a whole number from 1 to"
            f" {_MOST_RESULTS}."
        )
    checked: dict[str, Any] = {
        "company": company.strip()[:500],
        "max_results": max_results,
    }
    if path:
        name = find_board(board).name if board else ""
        return checked | {"board": name, "path": path, "website": website}
    found = find_board(board)
    if found.needs_company and not checked["company"]:
        raise InvalidInput(
            f"{found.label} lists one company at a time: name it as the board's"
            " address does (for a company's own page, its address)."
        )
    if found is company_page.BOARD:
        _check_address(checked["company"])
    elif len(checked["company"]) > _LONGEST_NAME:
        raise InvalidInput("The company's name on the board is too long to be one.")
    if website:
        _check_address(website)
    return checked | {"board": found.name, "path": "", "website": website}


def _check_address(url: str) -> None:
    try:
        parse_target(url)
    except AddressRefused as error:
        raise InvalidInput(str(error)) from None


def scrape_job_board(**parameters: Any) -> dict[str, Any]:
    """Scrape a board and return job_id, outcome, reason and the counts of leads.

    Raises InvalidInput, RateLimited while the host asks to wait, and TransientError
    when it is down.
    """
    checked = check_board(**parameters)
    job = open_job(NAME, checked)
    if job.is_finished:
        return job.as_result()
    board = find_board(checked["board"]) if checked["board"] else None
    if checked["path"]:
        read_saved_feed(job, checked["path"], _reader(board), _origin(board, checked))
    else:
        assert board is not None, "check_board asks for one"
        feed = Feed(
            board.label, _first_url(board, checked), board.read, _origin(board, checked)
        )
        read_feed(job, feed)
    return job.as_result()


def _reader(board: Board | None) -> Any:
    if board is not None:
        return board.read

    def read(text: str, url: str) -> BoardPage:
        return read_saved(text, url)[1]

    return read


def _first_url(board: Board, checked: dict[str, Any]) -> str:
    if board is company_page.BOARD:
        return str(checked["company"])
    base = settings.JOB_BOARD_URLS.get(board.name, board.base_url).rstrip("/")
    return base + board.path(checked["company"])


def _origin(board: Board | None, checked: dict[str, Any]) -> Origin:
    is_named = board is not None and board.needs_company
    return Origin(
        source=NAME,
        board=board.name if board else "saved",
        url=_first_url(board, checked) if board and not checked["path"] else "",
        fetched_at=timezone.now(),
        slug=checked["company"] if is_named else "",
        website=checked["website"] or _own_site(board, checked),
        attribution=board.attribution if board else "",
    )


def _own_site(board: Board | None, checked: dict[str, Any]) -> str:
    """Give the site of a company whose own page is read."""
    if board is not company_page.BOARD or checked["path"]:
        return ""
    return website_of(checked["company"], not_at=())
