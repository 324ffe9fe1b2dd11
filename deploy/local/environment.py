"""The settings of one run: what the person set, `.env`, and what is still missing."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from deploy.local.ports import PortBook
from deploy.local.screen import LaunchError

#: Read by the launcher and the start scripts, not by settings.py.
LAUNCHER_VARIABLES = frozenset({"WEB_BIND", "WEB_THREADS", "RABBITMQ_SERVER"})
WEB_PORT = 8000
SAMPLE_PORT = 8099
MAIL_PORT = 8025
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def parse_env(text: str, source: str = ".env") -> dict[str, str]:
    """Parse NAME=value lines, quoted as in a shell; nothing is expanded.

    This is what systemd, docker compose and shells read alike.
    Raises:
        LaunchError: for a line that is not NAME=value, with its number.
    """
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().removeprefix("export ").strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, raw = stripped.partition("=")
        try:
            words = shlex.split(raw, comments=True)
        except ValueError:
            words = ["", ""]
        if not equals or not _NAME.match(name) or len(words) > 1:
            raise LaunchError(
                f"{source}, line {number}: {line.strip()[:60]!r} can't be read. Write"
                " NAME=value, with quotes around a value that has blanks or quotes."
            )
        values[name] = words[0] if words else ""
    return values


def parse_env_names(example: str) -> set[str]:
    """Return the names in an example file, also those on lines that are commented out."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))


def read_environment(root: Path) -> dict[str, str]:
    """Return the process's environment over the checkout's `.env`, if there is one."""
    path = root / ".env"
    known = parse_env(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {**known, **os.environ}


def is_set(environment: Mapping[str, str], name: str) -> bool:
    """Tell whether a setting is given, directly or as NAME_FILE."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def var_folder(root: Path, environment: Mapping[str, str]) -> Path:
    """Return the folder for everything written at run time, made if missing.

    Raises:
        LaunchError: when it can't be written.
    """
    folder = Path(environment.get("VAR_DIR") or root / "var").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LaunchError(
            f"{folder} can't be written ({error.strerror}): set VAR_DIR to a folder of"
            " your own, or correct its owner."
        ) from error
    return folder


def secret_file(path: Path, value: str) -> Path:
    """Return the path of a secret that stays the same; `value` is its first content."""
    if not path.exists() or not path.stat().st_size:
        path.touch(mode=0o600)
        path.write_text(value + "\n", encoding="utf-8")
    return path


def add_secrets(environment: Mapping[str, str], var: Path) -> dict[str, str]:
    """Add the keys that are not set, each as a file only its owner can read."""
    added = dict(environment)
    if not is_set(environment, "SECRET_KEY"):
        path = secret_file(var / "secret_key", secrets.token_urlsafe(64))
        added["SECRET_KEY_FILE"] = str(path)
    if not is_set(environment, "FIELD_KEYS"):
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        added["FIELD_KEYS_FILE"] = str(secret_file(var / "field_keys", key))
    return added


def add_sample_settings(
    environment: Mapping[str, str], ports: PortBook
) -> dict[str, str]:
    """Add what the sample territory needs, where the person set nothing else."""
    web = ports.choose("web", WEB_PORT)
    sample = environment.get("SAMPLE_PORT") or str(ports.choose("sample", SAMPLE_PORT))
    port_of({"SAMPLE_PORT": sample}, "SAMPLE_PORT")
    added = {
        "WEB_BIND": f"127.0.0.1:{web}",
        "SAMPLE_PORT": sample,
        "FETCH_ALLOWED_PRIVATE": f"*.localhost:{sample}",
        "CRAIGSLIST_URL": f"http://craigslist.localhost:{sample}",
    }
    if not environment.get("MAIL_SINK"):
        added["MAIL_SINK"] = f"127.0.0.1:{ports.choose('mail', MAIL_PORT)}"
    given = {name: value for name, value in environment.items() if value}
    complete = {**added, **given}
    public = f"http://localhost:{port_of(complete, 'WEB_BIND')}"
    return {"PUBLIC_URL": public, **complete}


def port_of(environment: Mapping[str, str], name: str) -> int:
    """Return the port of a setting like 127.0.0.1:8000 or 8000.

    Raises:
        LaunchError: when there is none.
    """
    value = environment[name]
    port = value.rpartition(":")[2]
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise LaunchError(
            f"{name} is {value!r}: it has to end in a port from 1 to 65535,"
            " like 127.0.0.1:8000."
        )
    return int(port)
