from __future__ import annotations

import os
from pathlib import Path

import dj_database_url
import pytest

from deploy.local.answering import postgres_problem, rabbitmq_problem, without_password
from deploy.local.postgres import (
    SOCKET_NAME,
    SOCKET_PATH_LIMIT,
    database_url,
    socket_folder,
)
from deploy.local.rabbitmq import find_server, node_environment, remembered_node

TEMPORARY = Path("/tmp")


def test_the_socket_lies_beside_the_data_when_its_path_is_short():
    assert socket_folder(Path("/srv/app/postgres/data"), TEMPORARY) == Path(
        "/srv/app/postgres/socket"
    )


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_long_checkout_path_gets_a_short_socket_of_its_own(letter):
    data = Path("/srv") / (letter * 90) / "postgres" / "data"
    folder = socket_folder(data, TEMPORARY)
    assert len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT
    assert folder != socket_folder(data.parent / "other" / "data", TEMPORARY)


def test_django_reads_a_socket_folder_with_blanks_as_it_is():
    url = database_url(Path("/srv/my app/socket"), "fliptech")
    parsed = dj_database_url.parse(url)
    assert parsed["NAME"] == "fliptech"
    assert parsed["OPTIONS"]["host"] == "/srv/my app/socket"


def test_passwords_are_never_shown():
    assert without_password("amqp://me:se:cret@host:1/") == "amqp://me:***@host:1/"
    problem = postgres_problem("mysql://me:secret@host/db")
    assert problem is not None
    assert "secret" not in problem


@pytest.mark.parametrize(
    ("check", "url"),
    [
        (postgres_problem, "postgresql://me:secret@127.0.0.1:1/db"),
        (postgres_problem, "localhost"),
        (rabbitmq_problem, "amqp://me:secret@127.0.0.1:1/"),
        (rabbitmq_problem, "http://127.0.0.1:15672"),
        (rabbitmq_problem, "amqp://me:secret@127.0.0.1:port/"),
    ],
)
def test_a_server_that_does_not_answer_is_one_sentence_without_the_password(check, url):
    problem = check(url)
    assert problem
    assert "\n" not in problem
    assert "secret" not in problem


def test_a_rabbitmq_that_answers_is_no_problem(rabbitmq_url):
    assert rabbitmq_problem(rabbitmq_url) is None
    assert rabbitmq_problem(f"amqp://127.0.0.1:1/;{rabbitmq_url}") is None


def test_the_node_keeps_its_name_and_password_and_gets_other_ports_if_taken(tmp_path):
    first = remembered_node(tmp_path / "node.json")
    second = remembered_node(tmp_path / "node.json")
    assert first == second
    assert (tmp_path / "node.json").stat().st_mode & 0o077 == 0


def test_two_checkouts_have_two_nodes(tmp_path):
    first = remembered_node(tmp_path / "a.json")
    second = remembered_node(tmp_path / "b.json")
    assert first.name != second.name
    assert first.password != second.password


def test_everything_of_the_node_stays_on_this_machine_and_in_its_folder(tmp_path):
    node = remembered_node(tmp_path / "node.json")
    foreign = {"RABBITMQ_NODENAME": "rabbit@prod", "ERL_FLAGS": "-name x", "PATH": "/"}
    environment = node_environment(node, tmp_path, foreign)
    assert environment["RABBITMQ_NODENAME"] == node.name
    assert "ERL_FLAGS" not in environment
    assert environment["RABBITMQ_NODE_IP_ADDRESS"] == "127.0.0.1"
    assert environment["ERL_EPMD_ADDRESS"] == "127.0.0.1"
    assert "{127,0,0,1}" in environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    folders = [value for value in environment.values() if str(tmp_path) in value]
    assert len(folders) >= 8


def test_an_unusual_place_of_rabbitmq_can_be_named(tmp_path):
    server = tmp_path / "rabbitmq-server"
    server.touch(mode=0o755)
    assert find_server({"RABBITMQ_SERVER": str(server)}) == str(server)
    assert find_server({"RABBITMQ_SERVER": str(tmp_path / "none")}) is None
