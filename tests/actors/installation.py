"""A whole installation for a test: own database, own queues, real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql

from deploy.local import ports

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that anything that has to happen may take.
PATIENCE = 90.0


class Installation:
    """The processes of one installation; `stop` ends them and drops the database."""

    def __init__(
        self, folder: Path, database_url: str, rabbitmq_url: str, queue_prefix: str
    ) -> None:
        self._folder = folder
        self._server = database_url
        self.database = f"test_funnel_{uuid.uuid4().hex[:12]}"
        self.url = urlunsplit(urlsplit(database_url)._replace(path=f"/{self.database}"))
        sample, mail, self.web = (ports.any_free() for _ in range(3))
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
            "SECRET_KEY": "s" * 60,
            "DATABASE_URL": self.url,
            "RABBITMQ_URL": rabbitmq_url,
            "RABBITMQ_QUEUE_PREFIX": queue_prefix,
            "VAR_DIR": str(folder / "var"),
            "SAMPLE_PORT": str(sample),
            "CRAIGSLIST_URL": f"http://craigslist.localhost:{sample}",
            "FETCH_ALLOWED_PRIVATE": f"*.localhost:{sample}",
            "MAIL_SINK": f"127.0.0.1:{mail}",
            "PUBLIC_URL": f"http://localhost:{self.web}",
            "TASK_LEASE_SECONDS": "5",
            "TEST_MODE": "1",
        }
        self._listeners = (sample, mail)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._run: subprocess.Popen[str] | None = None

    # --- life ---------------------------------------------------------------------

    def start(self) -> None:
        """Make the database and start every process; returns when they listen."""
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database))
            )
        assert self.manage("migrate", "--verbosity=0").returncode == 0
        assert self.manage("sample", "load").returncode == 0
        self.start_process("serve", "sample", "serve")
        self.start_process("sink", "mail_sink")
        self.start_process("workers", "workers", "--processes=2", "--threads=4")
        self.start_process("scheduler", "scheduler")
        for port in self._listeners:
            assert ports.wait_for(partial(ports.accepts, port), PATIENCE)

    def stop(self) -> None:
        """End all processes and drop the database."""
        if self._run is not None:
            self._run.kill()
            self._run.communicate()
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        for child in self._children.values():
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                    sql.Identifier(self.database)
                )
            )

    def start_process(self, name: str, *arguments: str) -> None:
        """Start `manage.py …` in the background; its output goes to a file."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                self._command(*arguments),
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `manage.py …` to its end."""
        return subprocess.run(
            self._command(*arguments),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def begin_main_job(self) -> subprocess.Popen[str]:
        """Start `sample run` and leave it running; `stop` ends it if need be."""
        self._run = subprocess.Popen(
            self._command("sample", "run", "--timeout=240"),
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self._run

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    # --- accidents ------------------------------------------------------------------

    def kill_a_worker(self) -> int:
        """Kill -9 the worker child that runs a task, else any; return its pid."""
        supervisor = psutil.Process(self._children["workers"].pid)
        children = {child.pid: child for child in supervisor.children()}
        busy = self.rows(
            "SELECT w.pid FROM tasks_worker w JOIN tasks_task t ON t.worker_id = w.id"
            " WHERE t.state = 'running'"
        )
        pid = next((pid for (pid,) in busy if pid in children), next(iter(children)))
        os.kill(pid, signal.SIGKILL)
        children[pid].wait(10)
        return pid

    def kill_the_scheduler(self) -> None:
        """Kill -9 the scheduler and start it again."""
        self._children["scheduler"].kill()
        self._children["scheduler"].wait()
        self.start_process("scheduler", "scheduler")

    # --- looking ----------------------------------------------------------------------

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def number(self, query: str) -> int:
        """Return the one number that a query gives."""
        return int(self.rows(query)[0][0])

    def wait_for(self, query: str, least: int) -> None:
        """Wait until the query's number has reached `least`."""
        end = time.monotonic() + PATIENCE
        while (found := self.number(query)) < least:
            assert time.monotonic() < end, f"{query} gives {found}, not {least}"
            time.sleep(0.05)

    def inbox(self) -> list[str]:
        """Return the recipient of every mail that arrived, one entry per mail."""
        return [to for (to,) in self.rows('SELECT "to" FROM campaigns_sinkmessage')]

    def mails(self) -> list[bytes]:
        """Return every mail as it arrived."""
        return [
            bytes(raw) for (raw,) in self.rows("SELECT raw FROM campaigns_sinkmessage")
        ]

    def logs(self) -> str:
        """Return the end of every process's output, for a failed test."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-3000:]}"
            for path in sorted(self._folder.glob("*.log"))
        )


def result_of(stdout: str) -> dict[str, Any]:
    """Return the JSON object on the last line."""
    result: dict[str, Any] = json.loads(stdout.strip().splitlines()[-1])
    return result
