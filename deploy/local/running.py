"""One run of the whole product on this machine, from the first server to the last."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local import environment as env
from deploy.local import ports, screen
from deploy.local.logs import LastLine
from deploy.local.processes import Processes, Program
from deploy.local.screen import LaunchError, StopRequested, paint, say, step
from deploy.local.servers import NO_RABBITMQ, Servers

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "fliptech"


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Hold the folder's lock: one launcher at a time works in it.

    Raises:
        LaunchError: when another one does.
    """
    path = var / "launcher.lock"
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LaunchError(
                f"FlipTech Pro already runs in {var} (process {lock.read().strip()}):"
                " use that one, or stop it there with Ctrl-C first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class Run:
    """Everything that one start of the launcher does."""

    def __init__(self, *, once: bool) -> None:
        given = env.read_environment(ROOT)
        self._var = env.var_folder(ROOT, given)
        given["VAR_DIR"] = str(self._var)
        given["DJANGO_SETTINGS_MODULE"] = "fliptech_site.settings"
        given["PYTHONUNBUFFERED"] = "1"
        self._environment: dict[str, str] = given
        self._once = once
        self._processes = Processes(ROOT, self._var)
        self._result: LastLine | None = None

    def main(self) -> int:
        """Start, run until the end or a stop, and stop; return the exit code."""
        self._processes.listen_for_stop()
        with only_one(self._var):
            self._processes.stop_lost()
            try:
                return self._serve()
            except StopRequested:
                return 130 if self._once else 0
            except LaunchError as error:
                screen.fail(str(error))
                return 1
            finally:
                if self._processes.any_started:
                    step("Stopping everything that was started here")
                    self._processes.stop()
                if self._result is not None:
                    self._result.finish()

    def _serve(self) -> int:
        self._complete_settings()
        servers = Servers(self._var, self._processes, self._environment)
        servers.start()
        self._environment |= servers.database_url(DATABASE)
        self._environment |= servers.rabbitmq_address()
        self._write_settings()
        step("Bringing the database up to date")
        code = self._prepare()
        if code:
            return code
        servers.wait_for_rabbitmq()
        if not env.is_set(self._environment, "RABBITMQ_URL"):
            screen.warn(NO_RABBITMQ)
        step("Starting web, workers, scheduler, mail sink and the sample territory")
        for program in self._programs():
            self._processes.start(program)
        self._wait_for_listeners()
        if self._once:
            step("Running the main job on the sample territory")
            return self._main_job()
        self._show_where()
        while True:
            self._processes.pause(0.3)
            self._processes.tend()

    def _main_job(self) -> int:
        """Run the main job; its last line is kept until everything is stopped."""
        program = replace(self._manage("sample", "run"), stop_signal=signal.SIGINT)
        path = self._processes.log_path("main-job")
        with path.open("wb") as output:
            result = self._result = LastLine(path, sys.stdout.buffer)

            def meanwhile() -> None:
                self._processes.tend()
                result.pass_on()

            return self._processes.run(program, stdout=output, meanwhile=meanwhile)

    def _complete_settings(self) -> None:
        book = ports.PortBook(self._var / "ports.json")
        completed = env.add_secrets(self._environment, self._var)
        self._environment = env.add_sample_settings(completed, book)
        for name in ("WEB_BIND", "MAIL_SINK", "SAMPLE_PORT"):
            port = env.port_of(self._environment, name)
            if not ports.is_free(port):
                raise LaunchError(
                    f"{name} names port {port}, which another program uses: choose"
                    " another one, or unset it to have a free one chosen."
                )

    def _write_settings(self) -> None:
        """Keep the run's settings for deploy/manage.sh, readable by the owner only."""
        path = self._var / "settings.env"
        path.touch(mode=0o600)
        example = (ROOT / ".env.example").read_text(encoding="utf-8")
        known = env.parse_env_names(example)
        lines = [
            f"export {name}={shlex.quote(value)}"
            for name, value in sorted(self._environment.items())
            if name.removesuffix("_FILE") in known
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _prepare(self) -> int:
        """Migrate, make the admin, load the sample; the child says what is wrong."""
        program = self._python("prepare", "-m", "deploy.local.preparing")
        return self._processes.run(program)

    def _programs(self) -> list[Program]:
        bind = self._environment["WEB_BIND"]
        web = ["-m", "gunicorn", "fliptech_site.wsgi", "--bind", bind]
        web += ["--worker-class", "gthread", "--workers", "1"]
        web += ["--threads", self._environment.get("WEB_THREADS", "8")]
        web += ["--graceful-timeout", "5", "--no-control-socket"]
        return [
            self._python("web", *web),
            self._manage("workers"),
            self._manage("scheduler"),
            self._manage("mail_sink"),
            self._manage("sample", "serve"),
        ]

    def _manage(self, *arguments: str) -> Program:
        return self._python("-".join(arguments), "manage.py", *arguments)

    def _python(self, name: str, *arguments: str) -> Program:
        return Program(
            name=name,
            argv=(sys.executable, *arguments),
            environment=self._environment,
            folder=ROOT,
        )

    def _wait_for_listeners(self) -> None:
        listeners = {
            "web": env.port_of(self._environment, "WEB_BIND"),
            "mail_sink": env.port_of(self._environment, "MAIL_SINK"),
            "sample-serve": env.port_of(self._environment, "SAMPLE_PORT"),
        }
        for name, port in listeners.items():
            self._processes.wait_until(name, _listens(port), seconds=60)

    def _show_where(self) -> None:
        for line in where_to_look(self._environment, self._var):
            say(line)


def _listens(port: int) -> Callable[[], bool]:
    return lambda: ports.accepts(port)


def where_to_look(environment: Mapping[str, str], var: Path) -> list[str]:
    """Return the lines that tell a person what is where."""
    public = environment["PUBLIC_URL"]
    places = {
        "Admin": f"{public}/admin/",
        "Demo sites": f"{public}/admin/demos/demosite/",
        "Inbox": f"{public}/admin/campaigns/sinkmessage/  (mail never leaves this machine)",
        "Metrics": f"{public}/metrics",
        "Territory": environment["CRAIGSLIST_URL"] + "/",
        "Commands": "./deploy/manage.sh help",
        "Logs": f"{var / 'log'}/",
    }
    lines = [
        f"  {paint(f'{name:<10}', 'bold')}  {place}" for name, place in places.items()
    ]
    return ["", paint("FlipTech Pro runs.", "green"), *lines, "", "Ctrl-C stops it."]
