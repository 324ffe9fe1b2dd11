"""The main job: the whole funnel with real processes and real servers."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack

import pytest

from tests.actors.expected import ADDRESSES, DEMOS, LEADS, SKIPPED
from tests.actors.installation import Installation, result_of
from tests.actors.outside_eye import faults_of

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def install(tmp_path, settings):
    """Start an installation on such a RabbitMQ; "" is none."""
    with ExitStack() as stack:

        def start(rabbitmq_url):
            found = Installation(
                tmp_path,
                settings.DATABASE_URL,
                rabbitmq_url,
                settings.RABBITMQ_QUEUE_PREFIX,
            )
            stack.callback(found.stop)
            found.start()
            return found

        yield start


def test_the_funnel_runs_to_the_inbox_and_a_second_run_mails_nobody(
    install, rabbitmq_url
):
    installation = install(rabbitmq_url)

    first = installation.manage("sample", "run", "--timeout=120")

    result = _assert_complete(first, installation)
    assert result["broker"] == "rabbitmq"
    assert result["seconds"] < 90

    second = installation.manage("sample", "run", "--timeout=120")

    assert second.returncode == 0, second.stderr
    again = result_of(second.stdout)
    assert (again["leads_new"], again["demos_new"], again["emails_new"]) == (0, 0, 0)
    same = ("leads_found", "leads_scored", "demos_published", "emails_sent")
    assert [again[key] for key in same] == [result[key] for key in same]
    assert Counter(installation.inbox()) == Counter(ADDRESSES)


def test_without_any_rabbitmq_the_funnel_runs_all_the_same(install):
    installation = install("")

    run = installation.manage("sample", "run", "--timeout=120")

    assert _assert_complete(run, installation)["broker"] == "in-process"


def _assert_complete(run, installation):
    assert run.returncode == 0, run.stderr + installation.logs()
    result = result_of(run.stdout)
    assert result["database"].startswith("PostgreSQL ")
    assert (result["leads_found"], result["leads_new"]) == (LEADS + 1, LEADS)
    assert (result["leads_merged"], result["leads_scored"]) == (1, LEADS)
    assert result["demos_published"] == DEMOS
    assert result["videos"] == 0
    assert (result["emails_sent"], result["emails_in_doubt"]) == (len(ADDRESSES), 0)
    assert result["emails_skipped"] == SKIPPED
    assert result["tasks"].keys() == {"succeeded"}
    assert Counter(installation.inbox()) == Counter(ADDRESSES)
    base_url = f"http://localhost:{installation.web}"
    faults = {
        fault
        for raw in installation.mails()
        for fault in faults_of(raw, base_url=base_url)
    }
    assert not faults
    return result
