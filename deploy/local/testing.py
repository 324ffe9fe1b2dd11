"""Everything that checks the product, stage by stage, on servers of its own."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import screen
from deploy.local.environment import parse_env_names, var_folder
from deploy.local.processes import Processes, Program
from deploy.local.running import ROOT
from deploy.local.screen import LaunchError, StopRequested, paint, say, step
from deploy.local.servers import Servers

#: The only settings that tests take from outside.
KEPT = ("DATABASE_URL", "RABBITMQ_URL", "RABBITMQ_SERVER")
#: pytest's exit code for "no tests were collected".
NO_TESTS = 5
_SUMMARY = re.compile(rb"^=+ .*\b(passed|failed|error|errors|no tests ran)\b.* =+$")
PRODUCTION = {
    "PUBLIC_URL": "https://agency.example",
    "ALLOWED_HOSTS": "agency.example",
    "TEST_MODE": "off",
}


@dataclass(frozen=True)
class Stage:
    """One check: its command line and how long it may take, in seconds."""

    name: str
    argv: tuple[str, ...]
    seconds: float = 120
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """What came of a stage; `summary` is pytest's last line."""

    stage: Stage
    code: int
    seconds: float
    summary: str = ""

    @property
    def passed(self) -> bool:
        """Whether the stage found nothing; no tests at all are no finding."""
        return self.code == 0 or (self.code == NO_TESTS and "faults" in self.stage.name)


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def stages() -> list[Stage]:
    """Return all stages in the order they run."""
    manage = (sys.executable, "manage.py")
    pytest = (sys.executable, "-m", "pytest")
    return [
        Stage("format", (_tool("ruff"), "format", "--check", ".")),
        Stage("lint", (_tool("ruff"), "check", ".")),
        Stage("types", (_tool("mypy"), "."), 240),
        Stage("imports", (_tool("lint-imports"),)),
        Stage("spelling", (_tool("codespell"),)),
        Stage("templates", (_tool("djlint"), ".", "--lint", "--quiet")),
        # On an empty database, as the first command of an installation.
        Stage("migrate", (*manage, "migrate", "--verbosity", "0")),
        Stage("migrations", (*manage, "makemigrations", "--check", "--dry-run")),
        Stage(
            "settings",
            (*manage, "check", "--deploy", "--fail-level", "WARNING"),
            settings=PRODUCTION,
        ),
        Stage("tests", (*pytest, "-n", "2", "-m", "not faults"), 2400),
        Stage("tests: faults", (*pytest, "-m", "faults"), 1200),
    ]


def only_pytest(arguments: Sequence[str]) -> list[Stage]:
    """Return the one stage for a person who names tests or pytest's options."""
    argv = (sys.executable, "-m", "pytest", *arguments)
    return [Stage("tests", argv, 3600)]


def settings_for_tests(
    given: Mapping[str, str], names: set[str], run_folder: Path
) -> dict[str, str]:
    """Return the environment of the stages: no setting of the person's leaks in."""
    foreign = {name for known in names for name in (known, f"{known}_FILE")}
    kept = {
        name: value
        for name, value in given.items()
        if name in KEPT or name not in foreign
    }
    return kept | {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "VAR_DIR": str(run_folder / "var"),
        "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
        "RABBITMQ_QUEUE_PREFIX": f"test-{secrets.token_hex(4)}.",
    }


class TestRun:
    """One run of all stages in a folder that is deleted afterwards."""

    def __init__(self, folder: Path, chosen: Sequence[Stage]) -> None:
        self._folder = folder
        self._stages = chosen
        self._processes = Processes(ROOT, folder)
        example = (ROOT / ".env.example").read_text(encoding="utf-8")
        self._settings = settings_for_tests(
            os.environ, parse_env_names(example), folder
        )

    def main(self) -> int:
        """Run the stages; return 0 when all passed."""
        self._processes.listen_for_stop()
        results: list[Result] = []
        try:
            servers = Servers(
                self._folder, self._processes, self._settings, throw_away=True
            )
            servers.start()
            self._settings |= servers.database_url("fliptech")
            self._settings |= servers.rabbitmq_address()
            for stage in self._stages:
                if stage.name == "tests":
                    servers.wait_for_rabbitmq()
                results.append(self._run(stage))
        except StopRequested:
            screen.warn("stopped before the end")
            return 130
        finally:
            self._processes.stop()
        report(results)
        return 0 if all(result.passed for result in results) else 1

    def _run(self, stage: Stage) -> Result:
        step(paint(stage.name, "bold"))
        program = Program(
            name=stage.name,
            argv=stage.argv,
            environment={**self._settings, **stage.settings},
            folder=ROOT,
        )
        path = self._folder / f"{stage.name.replace(': ', '-')}.out"
        started = time.monotonic()
        with path.open("wb") as output, path.open("rb") as copy:

            def meanwhile() -> None:
                sys.stdout.buffer.write(copy.read())
                sys.stdout.buffer.flush()
                if time.monotonic() - started > stage.seconds:
                    raise LaunchError(f"{stage.name} took over {stage.seconds:.0f} s.")

            try:
                code = self._processes.run(
                    program, stdout=output, stderr=output, meanwhile=meanwhile
                )
                sys.stdout.buffer.write(copy.read())
            except LaunchError as error:
                screen.fail(str(error))
                code = 1
        sys.stdout.flush()
        seconds = time.monotonic() - started
        return Result(stage, code, seconds, summary_of(path.read_bytes()))


def summary_of(output: bytes) -> str:
    """Return the last line in which pytest counts its results, or nothing."""
    lines = [line for line in output.splitlines() if _SUMMARY.match(line)]
    return lines[-1].decode("utf-8", "replace") if lines else ""


def report(results: Sequence[Result]) -> None:
    """Print the table of stages, then pytest's own counts as the last lines."""
    say()
    for result in results:
        mark = paint("passed", "green") if result.passed else paint("FAILED", "red")
        say(f"  {result.stage.name:<14} {mark}  {result.seconds:6.1f} s")
    total = sum(result.seconds for result in results)
    say(f"  {'all':<14}         {total:6.1f} s")
    for result in results:
        if result.summary:
            print(result.summary, flush=True)


def clear_old_runs(folder: Path) -> None:
    """Delete what killed runs left: their processes first, then their files."""
    for old in folder.glob("run-*"):
        if time.time() - old.stat().st_mtime > 3600:
            Processes(ROOT, old).stop_lost()
            shutil.rmtree(old, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Run everything, or only pytest with `arguments`; return the exit code."""
    try:
        parent = var_folder(ROOT, os.environ) / "test"
        parent.mkdir(exist_ok=True)
        clear_old_runs(parent)
        with tempfile.TemporaryDirectory(
            prefix="run-", dir=parent, ignore_cleanup_errors=True
        ) as folder:
            # PostgreSQL, another user where root runs the tests, has to get through.
            Path(folder).chmod(0o711)
            chosen = only_pytest(arguments) if arguments else stages()
            return TestRun(Path(folder), chosen).main()
    except LaunchError as error:
        screen.fail(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
