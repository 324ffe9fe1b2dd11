"""PostgreSQL and RabbitMQ for one run: the person's own, or started here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.local import screen
from deploy.local.answering import postgres_problem, rabbitmq_problem
from deploy.local.environment import is_set
from deploy.local.postgres import Postgres
from deploy.local.processes import Processes
from deploy.local.rabbitmq import RabbitMQ, find_epmd, find_server
from deploy.local.screen import LaunchError

NO_RABBITMQ = (
    "no RabbitMQ to be had on this machine: tasks run through the in-process broker of"
    " one worker process. To have the real one: apt-get install rabbitmq-server"
    " (macOS: brew install rabbitmq), or set RABBITMQ_URL."
)


class Servers:
    """Starts what DATABASE_URL and RABBITMQ_URL leave to us, both at the same time."""

    def __init__(
        self,
        var: Path,
        processes: Processes,
        environment: Mapping[str, str],
        *,
        throw_away: bool = False,
    ) -> None:
        self._environment = environment
        self._postgres: Postgres | None = None
        self._rabbitmq: RabbitMQ | None = None
        if not is_set(environment, "DATABASE_URL"):
            self._postgres = Postgres(
                var / "postgres", processes, environment, throw_away=throw_away
            )
        if not is_set(environment, "RABBITMQ_URL") and can_run_rabbitmq(environment):
            self._rabbitmq = RabbitMQ(var / "rabbitmq", processes, environment)

    def start(self) -> None:
        """Start the servers that are ours; check those that are not.

        Raises:
            LaunchError: when one named by the person does not answer.
        """
        problems = [
            check(value)
            for name, check in (
                ("DATABASE_URL", postgres_problem),
                ("RABBITMQ_URL", rabbitmq_problem),
            )
            if (value := self._environment.get(name))
        ]
        for problem in problems:
            if problem:
                raise LaunchError(problem)
        if self._rabbitmq is not None:
            screen.step("Starting a private RabbitMQ node")
            self._rabbitmq.start()
        if self._postgres is not None:
            screen.step("Starting an embedded PostgreSQL")
            self._postgres.start()

    def database_url(self, database: str) -> dict[str, str]:
        """Return DATABASE_URL if the server is ours, once it answers."""
        if self._postgres is None:
            return {}
        return {"DATABASE_URL": self._postgres.make_ready(database)}

    def rabbitmq_address(self) -> dict[str, str]:
        """Return RABBITMQ_URL if the node is ours; the node need not answer yet."""
        if self._rabbitmq is not None:
            return {"RABBITMQ_URL": self._rabbitmq.node.url}
        if is_set(self._environment, "RABBITMQ_URL"):
            return {}
        return {"RABBITMQ_URL": ""}

    def wait_for_rabbitmq(self) -> None:
        """Wait until our node takes log-ins."""
        if self._rabbitmq is not None:
            self._rabbitmq.make_ready()


def can_run_rabbitmq(environment: Mapping[str, str]) -> bool:
    """Tell whether a RabbitMQ of our own could be started here."""
    return find_server(environment) is not None and find_epmd(environment) is not None
