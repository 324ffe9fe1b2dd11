"""The job board Ashby: a whole board in one answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    day,
    plain,
    read_jobs,
    text,
)

_HOSTS = ("ashbyhq.com",)


def read(source: str, url: str) -> BoardPage:
    """Read the list of a board; jobs that are not listed are left out."""

    def vacancy(job: Mapping[str, Any], _: Any) -> Vacancy | None:
        if job.get("isListed") is False:
            return None
        link = text(job["jobUrl"])
        where = (job.get("address") or {}).get("postalAddress") or {}
        paid = job.get("compensation") or {}
        return Vacancy(
            key=text(job.get("id")) or link,
            title=text(job["title"]),
            company=_board_in(link) or _board_in(url),
            url=link,
            location=text(job.get("location")),
            city=text(where.get("addressLocality")),
            region=text(where.get("addressRegion")),
            country=text(where.get("addressCountry")),
            is_remote=_is_remote(job),
            department=text(job.get("department")) or text(job.get("team")),
            employment_type=text(job.get("employmentType")),
            posted_at=day(job.get("publishedAt")),
            salary=text(paid.get("compensationTierSummary")),
            apply_url=text(job.get("applyUrl")),
            description=plain(
                job.get("descriptionPlain") or job.get("descriptionHtml")
            ),
        )

    return read_jobs(source, pick=lambda answer: answer["jobs"], read=vacancy)


def _is_remote(job: Mapping[str, Any]) -> bool | None:
    # `isRemote` is also true of jobs whose workplace is "Hybrid".
    kind = text(job.get("workplaceType"))
    if kind:
        return kind.lower() == "remote"
    told = job.get("isRemote")
    return told if isinstance(told, bool) else None


def _board_in(url: str) -> str:
    """Give the board's name in `jobs.ashbyhq.com/{board}/…` or `…/job-board/{board}`."""
    parts = [part for part in url.partition("?")[0].split("/") if part]
    if "job-board" in parts[:-1]:
        return parts[parts.index("job-board") + 1]
    return parts[2] if len(parts) > 2 else ""


BOARD = Board(
    name="ashby",
    label="Ashby",
    base_url="https://api.ashbyhq.com",
    path=lambda company: (
        f"/posting-api/job-board/{quote(company, safe='')}?includeCompensation=true"
    ),
    read=read,
    hosts=_HOSTS,
)
