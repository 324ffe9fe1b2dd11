from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.glob("*.sh"))
RUNNABLE = [script for script in SCRIPTS if script.read_text().startswith("#!")]
#: Words of bash 4 and newer; macOS ships 3.2.
TOO_NEW = re.compile(
    r"declare -A|local -A|mapfile|readarray|\$\{\w+(,,|\^\^|@)|&>>|\|&|coproc"
)


def _run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", *argv],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, **environment},
        check=False,
    )


def test_shellcheck_finds_nothing():
    shellcheck = Path(sys.executable).parent / "shellcheck"
    result = subprocess.run(
        [shellcheck, "--external-sources", *SCRIPTS, ROOT / ".ci" / "run"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_needs_a_bash_newer_than_macos_has(script):
    assert not TOO_NEW.search(script.read_text())


@pytest.mark.parametrize("script", RUNNABLE, ids=lambda path: path.name)
def test_every_script_can_be_run_and_stops_at_the_first_error(script):
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()


@pytest.mark.parametrize(
    "name", ["quickstart", "test", "start-web", "start-workers", "start-scheduler"]
)
def test_help_is_shown_from_any_folder(name):
    result = _run(str(DEPLOY / f"{name}.sh"), "--help")
    assert result.returncode == 0
    assert "usage" in result.stdout.lower()


def test_an_unknown_option_is_one_sentence_that_names_the_known_ones():
    result = _run(str(DEPLOY / "quickstart.sh"), "--fast")
    assert result.returncode != 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "Error: there is no option '--fast': use --once, --no-install or --help."
    ]


def _checkout_without_python(folder: Path) -> tuple[Path, Path]:
    """Copy the scripts beside a PATH that has everything they use except Python."""
    shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns("local"))
    programs = folder / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "cat", "uname", "id"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    return folder / "deploy" / "quickstart.sh", programs


def test_without_a_python_that_will_do_one_sentence_says_what_to_install(tmp_path):
    script, programs = _checkout_without_python(tmp_path)
    old = programs / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = _run(str(script), "--no-install", PATH=str(programs))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed" in result.stderr
    assert "brew install python" in result.stderr


def test_manage_says_to_start_first_when_nothing_was_started(tmp_path):
    result = _run(str(DEPLOY / "manage.sh"), "help", VAR_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "start ./deploy/quickstart.sh first" in result.stderr


def test_a_start_script_says_what_is_wrong_before_it_starts_anything():
    result = _run(
        str(DEPLOY / "start-workers.sh"),
        "--check",
        DATABASE_URL="postgresql://me:secret@127.0.0.1:1/db",
        RABBITMQ_URL="amqp://me:secret@127.0.0.1:1/",
    )
    assert result.returncode == 1
    assert "PostgreSQL does not answer" in result.stderr
    assert "RabbitMQ does not answer" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr
