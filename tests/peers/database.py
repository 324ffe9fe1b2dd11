"""A database of one system under test, which can be taken away."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

TABLES = """
CREATE TABLE effect (name text);
CREATE TABLE ordered (name text);
CREATE TABLE paused (queue text);
CREATE TABLE counter (key text PRIMARY KEY, value int, expires timestamptz);
CREATE TABLE result (key text PRIMARY KEY, body bytea);
"""


class Database:
    """A database of one system, which can be taken away."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self.name = f"test_peers_{uuid.uuid4().hex[:12]}"
        self.url = urlunsplit(urlsplit(server_url)._replace(path=f"/{self.name}"))
        self._on_server("CREATE DATABASE {}", self.name)
        with psycopg.connect(self.url) as connection:
            connection.execute(TABLES)

    def count_effects(self, name: str) -> int:
        """Return how often an actor has committed this effect."""
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(
                "SELECT count(*) FROM effect WHERE name = %s", [name]
            )
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    def cut(self) -> None:
        """End every session; new ones are let in."""
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s",
                [self.name],
            )

    def go_away(self) -> None:
        """End every session and let none in."""
        self._on_server("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name)
        self.cut()

    def come_back(self) -> None:
        """Let sessions in again."""
        self._on_server("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name)

    def drop(self) -> None:
        """Drop it, whoever is connected."""
        self._on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)

    def _on_server(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL(statement).format(*(sql.Identifier(name) for name in names))
            )
