"""Actors of the family `scraper`.

Each imports its room when it first runs: an idle worker holds none of their parts.
"""

from __future__ import annotations

from typing import Any

from tasks.declaring import actor


@actor(queue="scraper", time_limit_minutes=6)
def scrape_craigslist(
    location: str = "sfbay", category: str = "bbb", max_results: int = 100
) -> dict[str, Any]:
    """Gather businesses from Craigslist; off until consent is recorded."""
    from leads.scraping import scrape

    return scrape(
        "craigslist", location=location, category=category, max_results=max_results
    )


@actor(queue="scraper", time_limit_minutes=6)
def scrape_google_maps(
    query: str, location: str = "", max_results: int = 60
) -> dict[str, Any]:
    """Gather places from Google's Places API; off until a key is set."""
    from leads.place_scraping import scrape_places

    return scrape_places(query=query, location=location, max_results=max_results)


@actor(queue="scraper", time_limit_minutes=6)
def scrape_job_boards(
    board: str = "",
    company: str = "",
    max_results: int = 100,
    path: str = "",
    website: str = "",
) -> dict[str, Any]:
    """Gather companies that hire, from a board or from its saved answer at `path`."""
    from leads.job_board_scraping import scrape_job_board

    return scrape_job_board(
        board=board,
        company=company,
        max_results=max_results,
        path=path,
        website=website,
    )


@actor(queue="scraper", time_limit_minutes=6)
def scrape_linkedin(
    path: str = "", query: str = "", location: str = "", max_results: int = 1_000
) -> dict[str, Any]:
    """Read a Connections.csv or a saved page; live only where robots.txt allows it."""
    from leads.linkedin_scraping import gather_from_linkedin

    return gather_from_linkedin(
        path=path, query=query, location=location, max_results=max_results
    )


@actor(queue="scraper", time_limit_minutes=6)
def scrape_website(lead_id: int) -> dict[str, Any]:
    """Read a lead's own website for contact data and an audit, then score it."""
    from leads.enriching import enrich_lead

    return enrich_lead(lead_id)


@actor(queue="scraper", time_limit_minutes=6)
def scrape_multi_source(scrapes: list[dict[str, Any]]) -> dict[str, Any]:
    """Start several scrapes as one workflow; one that fails never stops the others."""
    from leads.multi_source import start_scrapes

    return start_scrapes(scrapes)


@actor(queue="scraper", time_limit_minutes=6)
def schedule_recurring_scrape(
    source: str,
    cron: str,
    timezone: str = "UTC",
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Repeat a scrape at the times of a cron expression in a time zone."""
    from leads.recurring import schedule_scrape

    return schedule_scrape(source, cron, timezone, parameters or {})


@actor(queue="scraper", time_limit_minutes=6, periodic="*/10 * * * *")
def monitor_scraper_jobs() -> dict[str, int]:
    """Finish lost scrape jobs; notice sources that stall, are blocked or drift."""
    from leads.monitoring import finish_lost_jobs
    from leads.watching import watch_sources

    return finish_lost_jobs() | watch_sources()


@actor(queue="scraper", time_limit_minutes=6, periodic="0 3 * * *")
def cleanup_old_scraper_data() -> dict[str, int]:
    """Delete fetches, jobs, postings and robots files that nobody needs any more."""
    from leads.pruning import prune_scraper_data

    return prune_scraper_data()


@actor(queue="scraper", time_limit_minutes=6)
def export_leads(
    format: str = "csv",
    filters: dict[str, Any] | None = None,
    path: str = "",
    export_id: int | None = None,
) -> dict[str, Any]:
    """Write leads to a CSV, JSONL, XLSX or Parquet file."""
    from leads.exporting import run_export

    return run_export(format, filters or {}, path, export_id)


@actor(queue="scraper", time_limit_minutes=6)
def import_leads(import_id: int) -> dict[str, Any]:
    """Import an uploaded file; what the time doesn't allow goes to a next task."""
    from leads.uploads import run_import

    return run_import(import_id)


@actor(queue="scraper", time_limit_minutes=6, periodic="5-59/10 * * * *")
def match_leads() -> dict[str, int]:
    """Compare new and changed leads with all others; merge the same, ask about some."""
    from leads.table_matching import match_leads as match_new_leads

    return match_new_leads().as_json()
