"""The main job keeps its totals whatever dies on the way, and mails nobody twice."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter

import pytest
import requests
from django.conf import settings

from deploy.local import ports
from deploy.local.rabbitmq import find_server
from tests.actors.expected import ADDRESSES, DEMOS, LEADS, SKIPPED
from tests.actors.installation import PATIENCE, Installation, result_of
from tests.conftest import NO_RABBITMQ
from tests.faults.node import PrivateRabbitMQ

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

LEADS_NOW = "SELECT count(*) FROM leads_lead"
DEMOS_NOW = "SELECT count(*) FROM demos_demosite WHERE state = 'published'"
MAILS_NOW = "SELECT count(*) FROM campaigns_sinkmessage"
UNFINISHED = (
    "SELECT count(*) FROM tasks_task WHERE state IN ('scheduled', 'queued', 'running')"
)
_BUILD_DEMOS = """
from actors.main_job.counting import leads_without_demo
from tasks.enqueueing import enqueue_many
enqueue_many("generate_demo_site", [{"lead_id": pk} for pk in leads_without_demo()])
"""


@pytest.fixture
def rabbitmq(tmp_path):
    if find_server(os.environ) is None:
        pytest.fail(NO_RABBITMQ, pytrace=False)
    node = PrivateRabbitMQ(tmp_path)
    try:
        node.make_ready()
        yield node
    finally:
        node.end()


@pytest.fixture
def installation(tmp_path, rabbitmq):
    found = Installation(
        tmp_path, settings.DATABASE_URL, rabbitmq.make_ready(), "main-job."
    )
    try:
        found.start()
        yield found
    finally:
        found.stop()


def test_a_run_in_which_everything_dies_once_has_the_same_totals(
    installation, rabbitmq
):
    first_run = installation.begin_main_job()
    installation.wait_for(LEADS_NOW, 3)
    installation.kill_a_worker()
    _interrupt(first_run)
    run = installation.begin_main_job()
    installation.wait_for(LEADS_NOW, 6)
    installation.kill_the_scheduler()
    installation.wait_for(LEADS_NOW, 9)
    rabbitmq.go_down()
    rabbitmq.come_back()
    installation.wait_for(DEMOS_NOW, 1)
    installation.kill_a_worker()
    installation.wait_for(MAILS_NOW, 1)
    installation.kill_a_worker()
    stdout, stderr = run.communicate(timeout=180)

    assert run.returncode == 0, stderr + installation.logs()
    result = result_of(stdout)
    assert (result["leads_found"], result["leads_scored"]) == (LEADS + 1, LEADS)
    assert (result["leads_merged"], result["demos_published"]) == (1, DEMOS)
    assert result["emails_skipped"] == SKIPPED
    assert result["tasks"].keys() == {"succeeded"}, installation.logs()
    _assert_nobody_was_mailed_twice_or_forgotten(installation, result)


def _interrupt(run):
    """Press Ctrl-C on a run that only looks on; the work goes on without it."""
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=30)
    assert run.returncode != 0
    assert "The work goes on in the workers" in stderr


def _assert_nobody_was_mailed_twice_or_forgotten(installation, result):
    """A mail in doubt may have arrived or not; every other one arrived once."""
    doubtful = {
        address
        for (address,) in installation.rows(
            "SELECT address FROM campaigns_email WHERE state = 'in_doubt'"
        )
    }
    arrived = Counter(installation.inbox())
    assert result["emails_in_doubt"] == len(doubtful)
    assert result["emails_sent"] + len(doubtful) == len(ADDRESSES)
    assert set(arrived) | doubtful == set(ADDRESSES)
    assert set(arrived.values()) == {1}


def test_a_campaign_launched_in_admin_without_rabbitmq_goes_out_when_it_is_back(
    installation, rabbitmq
):
    _gather_and_build(installation)
    installation.start_process(
        "web", *("runserver", "--noreload", f"127.0.0.1:{installation.web}")
    )
    assert ports.wait_for(lambda: ports.accepts(installation.web), PATIENCE)
    rabbitmq.go_down()

    answer = _launch_in_admin(installation)

    assert answer.status_code == 200
    assert "error" not in answer.text.lower().partition("messagelist")[2][:500]
    assert installation.number(UNFINISHED) >= 1
    assert installation.inbox() == []

    rabbitmq.come_back()
    installation.wait_for(MAILS_NOW, len(ADDRESSES))
    assert Counter(installation.inbox()) == Counter(ADDRESSES)


def _gather_and_build(installation):
    """Bring the funnel to the point where the campaign could be launched."""
    assert installation.manage("task", "send", "scrape_craigslist").returncode == 0
    installation.wait_for(
        "SELECT count(*) FROM leads_lead WHERE score IS NOT NULL", LEADS
    )
    assert installation.manage("shell", "--command", _BUILD_DEMOS).returncode == 0
    installation.wait_for(DEMOS_NOW, DEMOS)


def _launch_in_admin(installation):
    """Log in like a person and run the list's action on the campaign."""
    installation.environment["DJANGO_SUPERUSER_PASSWORD"] = "secret-of-a-test"
    made = installation.manage(
        *(
            "createsuperuser",
            "--noinput",
            "--username=ada",
            "--email=ada@agency.example",
        )
    )
    assert made.returncode == 0, made.stderr
    base = f"http://localhost:{installation.web}/admin"
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{base}/login/", timeout=30)
        session.post(
            f"{base}/login/",
            data={"username": "ada", "password": "secret-of-a-test"} | _token(page),
            timeout=30,
        )
        listing = session.get(f"{base}/campaigns/campaign/", timeout=30)
        ((campaign_id,),) = installation.rows("SELECT id FROM campaigns_campaign")
        return session.post(
            f"{base}/campaigns/campaign/",
            data={"action": "launch_chosen", "_selected_action": campaign_id}
            | _token(listing),
            timeout=30,
        )


def _token(page):
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found, page.text[:2000]
    return {"csrfmiddlewaretoken": found[1]}
