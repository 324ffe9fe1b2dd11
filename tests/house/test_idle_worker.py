"""What a process holds in memory that has nothing to do."""

from __future__ import annotations

import subprocess
import sys

from tests.house.tree import ROOT

#: Parts that belong to one kind of work, with what they cost (measured in 2026-11).
#: Together with admin's pages they made 106 MB of 72.
HEAVY = {
    "coloraide",  # 2 MB, colours of demo sites
    "ftfy",  # 5 MB with wcwidth, broken encodings of fetched pages
    "inscriptis",
    "liquid",  # 3 MB with babel, templates of mails
    "lxml",  # 4 MB, fetched pages
    "phonenumbers",
    "rapidfuzz",  # 4 MB, matching
    "requests",  # 5 MB with charset_normalizer, fetching
    "tasks.admin",
    "unfold.admin",
}
START_OF_A_WORKER = """
import sys, django
django.setup()
import tasks.working, tasks.management.commands.worker
from tasks.declaring import load_actors
load_actors()
print(*sys.modules)
"""


def test_an_idle_worker_imports_nothing_that_only_some_tasks_need():
    answer = subprocess.run(
        [sys.executable, "-c", START_OF_A_WORKER],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "tasks.working" in answer.stdout.split()
    assert HEAVY.intersection(answer.stdout.split()) == set()


def test_the_checks_see_all_pages_of_admin():
    answer = subprocess.run(
        [
            sys.executable, "-c",
            (
                "import sys, django; django.setup()\n"
                "from django.core.checks import run_checks\n"
                "run_checks(tags=['admin'])\n"
                "print(*sys.modules)"
            ),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert {"leads.admin", "tasks.admin", "campaigns.admin"} <= set(
        answer.stdout.split()
    )
