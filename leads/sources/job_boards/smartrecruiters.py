"""The job board SmartRecruiters: pages of a hundred postings. Pure.

It answers 200 with a total of 0 for companies that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from leads.outcomes import Outcome
from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    day,
    plain,
    read_jobs,
    text,
)

_PAGE = 100


def read(source: str, url: str) -> BoardPage:
    """Read a page of a company's postings, or one posting."""

    def vacancy(job: Mapping[str, Any], _: Any) -> Vacancy:
        company, where = job.get("company") or {}, job.get("location") or {}
        identifier = text(company.get("identifier"))
        key = text(job["id"])
        parts: dict[str, Any] = {
            name: text(where.get(name)) for name in ("city", "region", "country")
        }
        parts["country"] = parts["country"].upper()
        remote = where.get("remote")
        sections = (job.get("jobAd") or {}).get("sections") or {}
        return Vacancy(
            key=key,
            title=text(job["name"]),
            company=text(company.get("name")) or identifier,
            url=text(job.get("postingUrl"))
            or f"https://jobs.smartrecruiters.com/{identifier}/{key}",
            location=", ".join(filter(None, parts.values())),
            **parts,
            is_remote=remote if isinstance(remote, bool) else None,
            department=_label(job, "department") or _label(job, "function"),
            employment_type=_label(job, "typeOfEmployment"),
            posted_at=day(job.get("releasedDate")),
            apply_url=text(job.get("applyUrl")),
            description=plain((sections.get("jobDescription") or {}).get("text")),
        )

    page = read_jobs(
        source, pick=_jobs, read=vacancy, finish=lambda answer: _totals(answer, url)
    )
    if page.outcome == Outcome.EMPTY and page.total == 0:
        reason = "It knows no such company, or one without open jobs: it tells no difference."
        return replace(page, reason=reason)
    return page


def _jobs(answer: Any) -> Any:
    return [answer] if "jobAd" in answer else answer["content"]


def _label(job: Mapping[str, Any], name: str) -> str:
    value = job.get(name)
    return text(value.get("label")) if isinstance(value, dict) else ""


def _totals(answer: Any, url: str) -> Mapping[str, Any]:
    if "totalFound" not in answer:
        return {}
    total, offset = int(answer["totalFound"]), int(answer.get("offset") or 0)
    end = offset + len(answer["content"])
    if not answer["content"] or end >= total or not url:
        return {"total": total}
    split = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(split.query).items()}
    query |= {"limit": str(_PAGE), "offset": str(end)}
    return {"total": total, "next_url": split._replace(query=urlencode(query)).geturl()}


BOARD = Board(
    name="smartrecruiters",
    label="SmartRecruiters",
    base_url="https://api.smartrecruiters.com",
    path=lambda company: (
        f"/v1/companies/{quote(company, safe='')}/postings?limit={_PAGE}&offset=0"
    ),
    read=read,
    hosts=("smartrecruiters.com",),
)
