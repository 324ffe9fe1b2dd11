"""The job board Lever: a bare array of published postings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    day,
    pay,
    plain,
    read_jobs,
    text,
)

_HOSTS = ("lever.co",)


def read(source: str, url: str) -> BoardPage:
    """Read the list of a site, or one posting of it."""

    def vacancy(job: Mapping[str, Any], _: Any) -> Vacancy:
        told = job.get("categories") or {}
        link = text(job["hostedUrl"])
        kind = text(job.get("workplaceType"))
        span = job.get("salaryRange") or {}
        salary = pay(
            *(span.get(name) for name in ("currency", "min", "max", "interval"))
        )
        return Vacancy(
            key=text(job["id"]),
            title=text(job["text"]),
            company=_site_in(link) or _site_in(url),
            url=link,
            location=text(told.get("location")),
            country=text(job.get("country")),
            is_remote=None if kind in ("", "unspecified") else kind == "remote",
            department=text(told.get("department")) or text(told.get("team")),
            employment_type=text(told.get("commitment")),
            posted_at=day(job.get("createdAt")),
            salary=salary or text(job.get("salaryDescriptionPlain")),
            apply_url=text(job.get("applyUrl")),
            description=plain(job.get("descriptionPlain") or job.get("description")),
        )

    return read_jobs(source, pick=_jobs, read=vacancy)


def _jobs(answer: Any) -> Any:
    if isinstance(answer, dict):
        return [answer] if "hostedUrl" in answer else None
    # Grouped by team or place: `[{"title": "Shop", "postings": […]}]`.
    if answer and all(isinstance(each.get("postings"), list) for each in answer):
        return [job for each in answer for job in each["postings"]]
    return answer


def _site_in(url: str) -> str:
    """Give the site's name in `jobs.lever.co/{site}/…` or `…/postings/{site}`."""
    parts = [part for part in url.partition("?")[0].split("/") if part]
    if "postings" in parts[:-1]:
        return parts[parts.index("postings") + 1]
    return parts[2] if len(parts) > 2 else ""


BOARD = Board(
    name="lever",
    label="Lever",
    base_url="https://api.lever.co",
    path=lambda company: f"/v0/postings/{quote(company, safe='')}?mode=json",
    read=read,
    hosts=_HOSTS,
)
