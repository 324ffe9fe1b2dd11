"""Job boards, each in a file of its own; a company that hires is a lead."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fliptech_site.errors import InvalidInput
from leads.outcomes import Outcome
from leads.saved_pages import is_markup
from leads.sources.base import PageReader, PageReading
from leads.sources.job_boards import (
    ashby,
    company_page,
    greenhouse,
    hacker_news,
    lever,
    remote_ok,
    smartrecruiters,
    we_work_remotely,
    workable,
)
from leads.sources.job_boards.base import Board, BoardPage
from leads.sources.job_boards.thread_pages import is_thread_page

NAME = "job_boards"
BOARDS: dict[str, Board] = {
    module.BOARD.name: module.BOARD
    for module in (
        *(greenhouse, lever, ashby, workable, smartrecruiters, remote_ok),
        *(we_work_remotely, hacker_news, company_page),
    )
}


def find_board(name: str) -> Board:
    """Give a board by its name. Raises InvalidInput naming those there are."""
    board = BOARDS.get(name.strip().lower().replace("-", "_").replace(" ", "_"))
    if board is None:
        known = ", ".join(repr(each) for each in BOARDS)
        raise InvalidInput(f"There is no job board {name!r}: write one of {known}.")
    return board


def read_saved(text: str, url: str) -> tuple[Board, BoardPage]:
    """Read a saved answer of any board: the one of its address, else by its shape."""
    own: tuple[Board, BoardPage] | None = None
    for board in BOARDS.values():
        if url and board.is_at(url):
            page = board.read(text, url)
            if page.outcome != Outcome.MARKUP_CHANGED:
                return board, page
            own = board, page
    found = _read_by_shape(text, url)
    # At a board's own address nothing is proved by what other boards don't find.
    return own if own and found[1].outcome == Outcome.EMPTY else found


def _read_by_shape(text: str, url: str) -> tuple[Board, BoardPage]:
    if "<rss" in text[:2_000]:
        return we_work_remotely.BOARD, we_work_remotely.read(text, url)
    if is_markup(text[:20_000]) and not text.lstrip().startswith(("{", "[")):
        if is_thread_page(text):
            return hacker_news.BOARD, hacker_news.read(text, url)
        return company_page.BOARD, company_page.read(text, url)
    readings = [
        (board, board.read(text, url))
        for board in BOARDS.values()
        if board is not company_page.BOARD
    ]
    # Each board reads only its own names; what none of them reads says why itself.
    return max(readings, key=lambda each: (_rank(each[1]), len(each[1].vacancies)))


def _rank(page: BoardPage) -> int:
    ranks = {Outcome.OK: 4, Outcome.PARTIAL: 3, Outcome.EMPTY: 2, Outcome.BLOCKED: 1}
    return ranks.get(page.outcome, 0)


def read_page(text: str, url: str) -> PageReading:
    """Read a saved answer of any board, for `explain page`; never raises."""
    return _reading(*read_saved(text, url))


def _reader(board: Board) -> PageReader:
    return lambda text, url: _reading(board, board.read(text, url))


def _reading(board: Board, page: BoardPage) -> PageReading:
    items = [
        {
            name: value
            for name, value in asdict(each).items()
            if value not in ("", None, ())
        }
        for each in page.vacancies
    ]
    more: dict[str, Any] = {"kind": "jobs", "board": board.name, "total": page.total}
    more |= {"unreadable": page.unreadable, "next_url": page.next_url}
    if board.attribution:
        more["attribution"] = board.attribution
    reason = page.reason
    if page.outcome == Outcome.OK and not items:
        reason = f"The jobs are at {page.next_url}."
    return PageReading(page.outcome, reason, items, more)


#: How saved pages are read: any board's, or one board's.
PAGE_READERS: dict[str, PageReader] = {
    NAME: read_page,
    **{name: _reader(board) for name, board in BOARDS.items()},
}
