"""A private RabbitMQ node for one checkout, on 127.0.0.1 only, run as any user.

The node, its port mapper (epmd) and its distribution port belong to the launcher;
neither a RabbitMQ service of this machine nor a second checkout is touched.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pika
import pika.exceptions

from deploy.local import ports
from deploy.local.processes import Processes, Program
from deploy.local.screen import LaunchError

#: The packages' places. /usr/sbin/rabbitmq-server is a wrapper that wants to be root.
SERVER_PLACES = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
    "/opt/rabbitmq/sbin/rabbitmq-server",
)
START_SECONDS = 90.0


def find_server(environment: Mapping[str, str]) -> str | None:
    """Return the path of RabbitMQ's start script, or None when there is none.

    RABBITMQ_SERVER names it where it lies in an unusual place.
    """
    places = (
        [environment["RABBITMQ_SERVER"]]
        if environment.get("RABBITMQ_SERVER")
        else [*SERVER_PLACES]
    )
    return next((place for place in places if os.access(place, os.X_OK)), None)


def find_epmd(environment: Mapping[str, str]) -> str | None:
    """Return the path of Erlang's port mapper, or None."""
    beside = "/opt/homebrew/bin:/usr/local/bin:/usr/lib/erlang/bin"
    return shutil.which("epmd", path=f"{environment.get('PATH', os.defpath)}:{beside}")


@dataclass(frozen=True)
class Node:
    """The node's identity: the name stays, because the data is filed under it."""

    name: str
    password: str
    cookie: str
    amqp_port: int
    distribution_port: int
    epmd_port: int

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"amqp://fliptech:{self.password}@127.0.0.1:{self.amqp_port}/"


def remembered_node(path: Path) -> Node:
    """Read the node's identity, or make one; take new ports where old ones are used."""
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
    else:
        known = {
            "name": f"fliptech-{secrets.token_hex(4)}@localhost",
            "password": secrets.token_urlsafe(24),
            "cookie": secrets.token_hex(16),
        }
    for port in ("amqp_port", "distribution_port", "epmd_port"):
        if port not in known or not ports.is_free(known[port]):
            known[port] = ports.any_free()
    node = Node(**known)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(node), indent=1), encoding="utf-8")
    return node


def node_environment(
    node: Node, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the node and its epmd; nothing of the user's own node."""
    inherited = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("RABBITMQ_", "ERL_"))
    }
    return inherited | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": node.name,
        "RABBITMQ_NODE_IP_ADDRESS": ports.LOOPBACK,
        "RABBITMQ_NODE_PORT": str(node.amqp_port),
        "RABBITMQ_DIST_PORT": str(node.distribution_port),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1}"
        ),
        "ERL_EPMD_ADDRESS": ports.LOOPBACK,
        "ERL_EPMD_PORT": str(node.epmd_port),
        "ERL_CRASH_DUMP": str(folder / "log" / "erl_crash.dump"),
        # Makes the start script exec the Erlang VM, so that the child's pid is the
        # node's and SIGTERM stops it in order.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


class RabbitMQ:
    """The RabbitMQ node of one checkout, its data in `folder`."""

    def __init__(
        self, folder: Path, processes: Processes, environment: Mapping[str, str]
    ) -> None:
        server, epmd = find_server(environment), find_epmd(environment)
        if server is None or epmd is None:
            raise LaunchError("RabbitMQ is not installed on this machine.")
        self._server, self._epmd = server, epmd
        self._folder = folder
        self._processes = processes
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.node = remembered_node(folder / "node.json")
        self._environment = node_environment(self.node, folder, environment)

    def start(self) -> None:
        """Start epmd and the node; `make_ready` waits for it."""
        self._write_files()
        self._processes.start(
            Program(
                name="epmd",
                argv=(self._epmd,),
                environment=self._environment,
                folder=self._folder,
                rank=2,
                stop_seconds=1,
            )
        )
        self._processes.start(
            Program(
                name="rabbitmq",
                argv=(self._server,),
                environment=self._environment,
                folder=self._folder,
                rank=1,
                stop_seconds=6,
            )
        )

    def make_ready(self) -> str:
        """Wait until the node takes a log-in; return its address."""
        self._processes.wait_until("rabbitmq", self._answers, seconds=START_SECONDS)
        return self.node.url

    def _answers(self) -> bool:
        if not ports.accepts(self.node.amqp_port):
            return False
        try:
            pika.BlockingConnection(pika.URLParameters(self.node.url)).close()
        except pika.exceptions.AMQPError:
            return False
        return True

    def _write_files(self) -> None:
        (self._folder / "log").mkdir(exist_ok=True)
        _write_private(self._folder / "enabled_plugins", "[].\n")
        # Named above, so that the machine's own /etc/rabbitmq/rabbitmq-env.conf is
        # not read: it may rename the node.
        _write_private(self._folder / "rabbitmq-env.conf", "")
        _write_private(
            self._folder / "rabbitmq.conf",
            "default_user = fliptech\n"
            f"default_pass = {self.node.password}\n"
            "log.console.level = warning\n",
        )
        cookie = self._folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        _write_private(cookie, self.node.cookie)
        cookie.chmod(0o400)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
