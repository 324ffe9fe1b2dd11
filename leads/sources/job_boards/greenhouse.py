"""The job board Greenhouse: a whole board in one answer, without a key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    day,
    is_remote_text,
    pay,
    plain,
    read_jobs,
    text,
    website_of,
)

_HOSTS = ("greenhouse.io",)


def read(source: str, url: str) -> BoardPage:
    """Read the list of a board, or one job of it."""
    board = _board_in(url)

    def vacancy(job: Mapping[str, Any], _: Any) -> Vacancy:
        location = text((job.get("location") or {}).get("name"))
        link = text(job["absolute_url"])
        return Vacancy(
            key=text(job["id"]),
            title=text(job["title"]),
            company=text(job.get("company_name")) or _board_in(link) or board,
            url=link,
            website=website_of(link, not_at=_HOSTS),
            location=location,
            is_remote=is_remote_text(location),
            department=_names(job.get("departments")),
            posted_at=day(job.get("first_published") or job.get("updated_at")),
            salary=_salary(job.get("pay_input_ranges")),
            description=plain(job.get("content")),
        )

    return read_jobs(source, pick=_jobs, read=vacancy, finish=_totals)


def _jobs(answer: Any) -> Any:
    # One job's own answer has the fields of a job.
    if "absolute_url" in answer:
        return [answer]
    if "jobs" not in answer and "departments" in answer:
        return [job for each in answer["departments"] for job in each["jobs"]]
    return answer["jobs"]


def _totals(answer: Any) -> Mapping[str, Any]:
    total = (answer.get("meta") or {}).get("total")
    return {"total": total} if isinstance(total, int) else {}


def _names(rows: Any) -> str:
    named = [text(row.get("name")) for row in rows or [] if isinstance(row, dict)]
    return ", ".join(name for name in named if name)


def _salary(ranges: Any) -> str:
    for each in ranges or []:
        least, most = each.get("min_cents") or 0, each.get("max_cents") or 0
        return pay(each.get("currency_type"), least / 100, most / 100, "per year")
    return ""


def _board_in(url: str) -> str:
    """Give the board's name in `…/boards/{board}/jobs` or `boards.greenhouse.io/{board}`."""
    parts = [part for part in url.partition("?")[0].split("/") if part]
    if "boards" in parts[:-1]:
        return parts[parts.index("boards") + 1]
    if len(parts) > 2 and "greenhouse.io" in parts[1]:
        return parts[2]
    return ""


BOARD = Board(
    name="greenhouse",
    label="Greenhouse",
    base_url="https://boards-api.greenhouse.io",
    path=lambda company: f"/v1/boards/{quote(company, safe='')}/jobs",
    read=read,
    hosts=_HOSTS,
)
