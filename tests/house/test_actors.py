"""Names of actors are strings in many places; each has to name a declared actor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from periodiq import cron

from tasks.declaring import load_actors
from tests.house.tree import ROOT, python_files

#: SPEC, "The tasks": each on its queue.
WANTED = {
    "email": """
        send_single_email send_batch_emails send_campaign_email retry_failed_emails
        send_test_email
    """,
    "default": """
        send_campaign_emails process_campaign_batch launch_campaign_async
        process_scheduled_campaigns update_campaign_metrics cleanup_old_task_results
        generate_daily_analytics pause_campaign_async resume_campaign_async
        choose_campaign_winner debug_task
    """,
    "scraper": """
        scrape_craigslist scrape_google_maps scrape_linkedin scrape_job_boards
        scrape_multi_source monitor_scraper_jobs cleanup_old_scraper_data
        schedule_recurring_scrape export_leads
    """,
    "ai": """
        generate_ai_response analyze_lead process_conversation batch_analyze_leads
        generate_email_content predict_lead_conversion train_ml_model
        extract_lead_info score_demo_engagement
    """,
    "demo": """
        generate_demo_site compose_video generate_voiceover capture_screen_recording
        create_full_demo_package optimize_video upload_to_hosting cleanup_temp_files
        generate_demo_analytics expire_demo_sites
    """,
}
LIMIT_MINUTES = {"email": 2, "default": 15, "scraper": 6, "ai": 4, "demo": 40}
PERIODIC = {
    "process_scheduled_campaigns": "* * * * *",
    "update_campaign_metrics": "*/5 * * * *",
    "monitor_scraper_jobs": "*/10 * * * *",
    "retry_failed_emails": "*/15 * * * *",
    "cleanup_old_task_results": "0 * * * *",
    "generate_daily_analytics": "0 1 * * *",
    "cleanup_old_scraper_data": "0 3 * * *",
}
ENQUEUEING = {"enqueue", "enqueue_many"}


@pytest.mark.parametrize("queue", WANTED)
def test_every_wanted_actor_is_declared_on_its_queue_with_its_limit(queue):
    names = WANTED[queue].split()
    actors = load_actors()
    declared = {
        name: (actors[name].queue_name, actors[name].options["time_limit"])
        for name in names
        if name in actors
    }
    limit = LIMIT_MINUTES[queue] * 60_000
    assert declared == dict.fromkeys(names, (queue, limit))


@pytest.mark.parametrize("name", PERIODIC)
def test_every_standing_order_has_its_times(name):
    declared = load_actors()[name].options.get("periodic")
    assert declared is not None, f"{name} has no periodic= of its own"
    assert str(declared) == str(cron(PERIODIC[name]))


def test_every_actor_says_in_one_sentence_what_it_does():
    silent = [name for name in _ours() if not (load_actors()[name].fn.__doc__ or "")]
    assert not silent


def test_no_actor_does_more_than_one_call_into_a_room():
    """An actor is a doorway: ids in, one call, a small result out."""
    long = {
        f"{path.name} {node.name}": lines
        for path in (ROOT / "actors").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (lines := _body_lines(node)) > 10
    }
    assert not long


def test_every_name_that_is_enqueued_is_an_actor():
    actors = load_actors()
    unknown = {
        f"{path}: {name}"
        for path in python_files()
        if path.parts[0] in {*settings.ROOMS, "fliptech_site"}
        for name in _enqueued_names(path)
        if name not in actors
    }
    assert not unknown


def test_nothing_is_declared_that_nobody_asked_for_without_a_schedule_or_a_caller():
    wanted = {name for names in WANTED.values() for name in names.split()}
    text = "\n".join((ROOT / path).read_text() for path in python_files())
    planned = {
        name
        for name, declared in load_actors().items()
        if declared.options.get("periodic")
    }
    unused = [
        name
        for name in _ours() - wanted - planned
        if len(re.findall(rf"\b{name}\b", text)) < 2
    ]
    assert not unused


def _ours() -> set[str]:
    """Names of the product's own actors; tests declare others for trial."""
    return {
        name
        for name, declared in load_actors().items()
        if declared.fn.__module__.startswith("actors.")
    }


def _enqueued_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        function, first = node.func, node.args[0]
        called = getattr(function, "id", None) or getattr(function, "attr", None)
        if (
            called in ENQUEUEING
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
        ):
            yield first.value


def _body_lines(node: ast.FunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if not body:
        return 0
    assert body[-1].end_lineno is not None
    return body[-1].end_lineno - body[0].lineno + 1
