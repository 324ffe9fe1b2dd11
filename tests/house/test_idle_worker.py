"""What a process holds in memory that has nothing to do."""

from __future__ import annotations

import subprocess
import sys

from tests.house.tree import ROOT

#: Parts that belong to one kind of work, with what they cost (measured in 2026-11).
#: Together with admin's pages they made 106 MB of 72.
HEAVY = {
    "anymail",  # 3 MB, providers' web services
    "boto3",  # 40 MB with botocore, Amazon's signatures
    "checkdmarc",  # 45 MB with dnspython and httpx, checks of a sender's domain
    "coloraide",  # 2 MB, colours of demo sites
    "css_inline",  # 6 MB, styles of mails
    "dkim",  # 1 MB, signatures
    "dns",
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


CHECKS = """
import sys, django
django.setup()
from django.core.checks import run_checks
run_checks(tags=["admin"])
print(*sys.modules)
"""


def modules_after(code):
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(answer.stdout.split())


def test_an_idle_worker_imports_nothing_that_only_some_tasks_need():
    modules = modules_after(START_OF_A_WORKER)
    assert "tasks.working" in modules
    assert not HEAVY & modules


def test_the_checks_see_all_pages_of_admin():
    assert {"leads.admin", "tasks.admin", "campaigns.admin"} <= modules_after(CHECKS)
