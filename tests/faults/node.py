"""A RabbitMQ node that belongs to one test, which may stop, kill and configure it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from deploy.local import ports
from deploy.local.processes import Processes
from deploy.local.rabbitmq import RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a node may take to start.
PATIENCE = 90.0


class _Configured(RabbitMQ):
    """A node with settings of its own, also such as rabbitmq.conf does not know."""

    def configure(self, values: Mapping[str, int]) -> None:
        name = "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
        told = (f"-rabbit {key} {value}" for key, value in values.items())
        self._environment[name] = " ".join((self._environment[name], *told))


class PrivateRabbitMQ:
    """One node; `end` has to be called whatever happens."""

    def __init__(self, folder: Path, **configuration: int) -> None:
        """`configuration` is settings of the application `rabbit`."""
        self._processes = Processes(ROOT, folder)
        (folder / "log").mkdir(exist_ok=True)
        self._server = _Configured(folder / "rabbitmq", self._processes, os.environ)
        self._server.configure(configuration)
        self._server.start()

    @property
    def address(self) -> str:
        """The node's address, before it can be reached and after."""
        return self._server.node.url

    def make_ready(self) -> str:
        """Wait until the node takes a log-in; return its address."""
        return self._server.make_ready()

    def go_down(self) -> None:
        """Stop the node in good order; it stays down until `come_back`."""
        (node,) = self._nodes()
        node.terminate()
        node.wait(30)

    def kill(self) -> None:
        """Kill -9 the node; it stays down until `come_back`."""
        (node,) = self._nodes()
        node.kill()
        node.wait(30)
        # The launcher starts a node that dies again and again more and more slowly.
        self._processes._children["rabbitmq"].deaths = 0

    def is_up(self) -> bool:
        """Return whether the node's process lives; it may still be starting."""
        return bool(self._nodes())

    def tend(self) -> None:
        """Start the node again if it has died, without waiting for it."""
        self._processes.tend()

    def come_back(self) -> None:
        """Let the launcher find the dead node and start it again."""
        if not ports.wait_for(self._has_a_node, PATIENCE):
            raise TimeoutError("The node was not started again.")
        self._server.make_ready()

    def revive(self) -> None:
        """Let a node that was killed come back; one that lives is left alone."""
        if not self._nodes():
            self.come_back()

    def end(self) -> None:
        """Stop the node and its port mapper for good."""
        self._processes.stop()

    def _has_a_node(self) -> bool:
        self._processes.tend()
        return bool(self._nodes())

    def _nodes(self) -> list[psutil.Process]:
        return [
            child
            for child in psutil.Process().children()
            if child.status() != psutil.STATUS_ZOMBIE
            and child.name().startswith("beam")
        ]
