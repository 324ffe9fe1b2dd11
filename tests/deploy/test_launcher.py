"""The launcher as a person uses it: start, look, break something, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from deploy.local.environment import parse_env, parse_env_names
from deploy.local.ports import wait_for
from tests.deploy.leftovers import processes_of
from tests.house.tree import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
PATIENCE = 90.0


class Launcher:
    """A running `python -m deploy.local` and what it has said so far."""

    def __init__(self, var: Path, *options: str) -> None:
        names = parse_env_names((ROOT / ".env.example").read_text())
        kept = {name: value for name, value in os.environ.items() if name not in names}
        number = len(list(var.parent.glob("*.said")))
        self.said = var.parent / f"{number}.said"
        self.output = var.parent / f"{number}.output"
        with self.said.open("wb") as said, self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", *options],
                cwd=ROOT,
                env={**kept, "VAR_DIR": str(var)},
                stdout=output,
                stderr=said,
            )

    def wait_for(self, words: str) -> None:
        """Wait until the launcher has said these words."""
        assert wait_for(lambda: words in self.said.read_text(), PATIENCE), (
            self.said.read_text()
        )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start(var: Path) -> Iterator[Callable[..., Launcher]]:
    launchers: list[Launcher] = []

    def start(*options: str) -> Launcher:
        launchers.append(Launcher(var, *options))
        return launchers[-1]

    yield start
    for launcher in launchers:
        launcher.stop(signal.SIGTERM)


def _settings(var: Path) -> dict[str, str]:
    return parse_env((var / "settings.env").read_text())


def test_it_serves_survives_a_death_and_leaves_nothing_after_ctrl_c(start, var):
    launcher = start()
    launcher.wait_for("Ctrl-C stops it")
    public = _settings(var)["PUBLIC_URL"]
    for path, words in (("/healthz", "ok"), ("/metrics", "fliptech_tasks")):
        assert words in requests.get(f"{public}{path}", timeout=10).text
    assert "FlipTech Pro" in requests.get(f"{public}/admin/login/", timeout=10).text

    second = start()
    assert second.process.wait(PATIENCE) == 1
    assert "already runs" in second.said.read_text()

    scheduler = _scheduler(launcher)
    scheduler.kill()
    launcher.wait_for("scheduler ended (exit code -9); it starts again")
    assert wait_for(lambda: _scheduler(launcher) != scheduler, PATIENCE)

    assert launcher.stop() == 0
    assert processes_of(var) == []


def test_the_password_is_shown_once_and_the_main_job_ends_with_one_json_line(
    start, var
):
    first = start("--once")
    assert first.process.wait(240) == 0, first.said.read_text()
    assert re.search(r"Admin user admin, password \S{12,}", first.said.read_text())
    result = json.loads(first.output.read_text().splitlines()[-1])
    assert result["broker"] == "rabbitmq"
    assert result["emails_sent"] > 0
    assert processes_of(var) == []


def _scheduler(launcher: Launcher) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        children = psutil.Process(launcher.process.pid).children()
        found[:] = [p for p in children if _runs(p, "scheduler")]
        return bool(found)

    assert wait_for(look, PATIENCE)
    return found[0]


def _runs(process: psutil.Process, command: str) -> bool:
    try:
        return process.cmdline()[-1:] == [command]
    except psutil.NoSuchProcess:
        return False
