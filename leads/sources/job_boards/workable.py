"""The job board Workable: the documented public list of an account. Pure."""

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
    plain,
    read_jobs,
    text,
)


def read(source: str, url: str) -> BoardPage:
    """Read the list of an account, in the documented form or the newer one."""
    slug = url.partition("/accounts/")[2].partition("/")[0].partition("?")[0]

    def vacancy(job: Mapping[str, Any], answer: Any) -> Vacancy:
        where = _where(job)
        parts = [where[name] for name in ("city", "region", "country")]
        key = text(job["shortcode"])
        remote = job.get("telecommuting", job.get("remote"))
        return Vacancy(
            key=key,
            title=text(job["title"]),
            company=text(answer.get("name")) or slug,
            url=text(job.get("url") or job.get("shortlink"))
            or f"https://apply.workable.com/{slug}/j/{key}/",
            location=", ".join(part for part in parts if part),
            **where,
            is_remote=remote if isinstance(remote, bool) else is_remote_text(*parts),
            department=_department(job.get("department")),
            employment_type=text(job.get("employment_type") or job.get("type")),
            posted_at=day(
                job.get("published_on") or job.get("created_at") or job.get("published")
            ),
            apply_url=text(job.get("application_url")),
            description=plain(job.get("description")),
        )

    return read_jobs(source, pick=_jobs, read=vacancy, finish=_totals)


def _jobs(answer: Any) -> Any:
    if "shortcode" in answer and "title" in answer:
        return [answer]  # One job's own answer.
    return answer["jobs"] if "jobs" in answer else answer["results"]


def _totals(answer: Any) -> Mapping[str, Any]:
    total = answer.get("total")
    return {"total": total} if isinstance(total, int) else {}


def _where(job: Mapping[str, Any]) -> dict[str, Any]:
    shown = [
        each
        for each in job.get("locations") or []
        if isinstance(each, dict) and not each.get("hidden")
    ]
    inner = shown[0] if shown else job.get("location")
    place = inner if isinstance(inner, dict) else {}
    return {
        "city": text(job.get("city")) or text(place.get("city")),
        "region": text(job.get("state")) or text(place.get("region")),
        "country": text(job.get("country")) or text(place.get("country")),
    }


def _department(value: Any) -> str:
    named = value if isinstance(value, list) else [value]
    return ", ".join(filter(None, map(text, named)))


BOARD = Board(
    name="workable",
    label="Workable",
    base_url="https://apply.workable.com",
    path=lambda company: f"/api/v1/widget/accounts/{quote(company, safe='')}",
    read=read,
    hosts=("workable.com",),
)
