"""Make records of the companies whose vacancies a board lists. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from leads.matching import normalise_name
from leads.places_written import read_written_place
from leads.records import LeadRecord, Value
from leads.sources.job_boards.base import Vacancy

#: Job titles that a lead's `hiring` names; the rest are counted.
_TITLES = 12


def by_company(vacancies: Iterable[Vacancy]) -> dict[str, list[Vacancy]]:
    """Group vacancies by company, whatever the spelling; nameless ones are left out."""
    companies: dict[str, list[Vacancy]] = {}
    for each in vacancies:
        if name := normalise_name(each.company):
            companies.setdefault(name, []).append(each)
    return companies


def company_record(
    name: str,
    vacancies: Sequence[Vacancy],
    *,
    source: str,
    board: str,
    url: str,
    fetched_at: datetime,
    fetch_id: int | None = None,
    slug: str = "",
    website: str = "",
    earlier: Sequence[str] = (),
) -> LeadRecord:
    """Give a company as its vacancies show it.

    `name` is its normalised name. `slug` is what the board's address calls it: a
    company of that very name has only lent it from there, so it is a mere headline.
    `earlier` are titles that former parts of the same feed had.
    """
    spelled = Counter(each.company for each in vacancies).most_common(1)[0][0]
    is_slug = bool(slug) and spelled.lower() == slug.lower()
    values: dict[str, Value] = {
        "name": "" if is_slug else spelled,
        "website": website or next((v.website for v in vacancies if v.website), ""),
        "hiring": hiring_words([*earlier, *(each.title for each in vacancies)]),
        **_place(vacancies),
    }
    return LeadRecord(
        values=values,
        source=source,
        url=url,
        fetched_at=fetched_at,
        fetch_id=fetch_id,
        listing_key=f"{source}:{board}:{name}",
        fallback_name=_titled(spelled) if is_slug else "",
    )


def _titled(slug: str) -> str:
    words = slug.replace("-", " ").replace("_", " ").split()
    return " ".join(word[:1].upper() + word[1:] for word in words)


def hiring_words(all_titles: Iterable[str]) -> str:
    """Say whom a company seeks: titles, each once, and how many more there are."""
    titles = list(dict.fromkeys(title for title in all_titles if title))
    shown = "; ".join(titles[:_TITLES])
    more = len(titles) - _TITLES
    return f"{shown}; and {more} more" if more > 0 else shown


def _place(vacancies: Sequence[Vacancy]) -> dict[str, str]:
    """Give the place that most of the vacancies are at, as far as one is named."""
    places = Counter(
        tuple(sorted(place.items())) for each in vacancies if (place := _parts(each))
    )
    return dict(places.most_common(1)[0][0]) if places else {}


def _parts(vacancy: Vacancy) -> dict[str, str]:
    given = {name: getattr(vacancy, name) for name in ("city", "region", "country")}
    known = {name: value for name, value in given.items() if value}
    if known.get("city"):
        return known
    return read_written_place(vacancy.location) | known
