"""The job board Remote OK: its newest hundred jobs. Pure.

Its terms want a link back and its name; logos may not be used. Texts come encoded
twice, and the same job is repeated for each place.
"""

from __future__ import annotations

import re
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

#: "Please mention the word **X** and tag RM… when applying": a trap for spammers.
_TRAP = re.compile(r"\s*Please mention the word\b.*$", re.DOTALL | re.IGNORECASE)


def read(source: str, url: str) -> BoardPage:
    """Read the list; its first element is a notice and no job."""

    def vacancy(job: Mapping[str, Any], _: Any) -> Vacancy | None:
        if "legal" in job and "position" not in job:
            return None
        link = text(job.get("url"))
        return Vacancy(
            key=text(job["id"]),
            title=text(job["position"]),
            company=text(job["company"]),
            url=quote(link, safe=":/?#[]@!$&'()*+,;=%~-._"),
            location=text(job.get("location")),
            is_remote=True,
            posted_at=day(job.get("date") or job.get("epoch")),
            salary=pay("USD", job.get("salary_min"), job.get("salary_max"), "per year"),
            apply_url=text(job.get("apply_url")),
            tags=tuple(filter(None, map(text, job.get("tags") or [])))[:20],
            description=_TRAP.sub("", plain(job.get("description"))),
        )

    return read_jobs(source, pick=_jobs, read=vacancy)


def _jobs(answer: Any) -> Any:
    if isinstance(answer, dict):
        return [answer] if "position" in answer else None
    return answer


BOARD = Board(
    name="remote_ok",
    label="Remote OK",
    base_url="https://remoteok.com",
    path=lambda company: "/api",
    read=read,
    hosts=("remoteok.com", "remoteok.io"),
    needs_company=False,
    attribution="Remote OK",
)
