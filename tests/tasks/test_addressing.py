"""RABBITMQ_URL: several hosts, options, and sentences about what can't be used."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from dramatiq.errors import ConnectionClosed

from deploy.local.answering import rabbitmq_problem
from tasks.addressing import BadAddress, connection_parameters
from tasks.broker import get_broker, problem_at_start, rabbitmq_queue
from tasks.examining import too_old


def test_every_host_has_its_own_port_user_and_options():
    first, second = connection_parameters(
        "amqp://a:b@one:5673/v?heartbeat=17; amqps://c:d@two/w"
    )
    assert (first.host, first.port, first.virtual_host) == ("one", 5673, "v")
    assert (first.heartbeat, first.ssl_options) == (17, None)
    assert (second.host, second.port, second.virtual_host) == ("two", 5671, "w")
    assert second.ssl_options.context.check_hostname
    assert second.ssl_options.server_hostname == "two"
    assert second.heartbeat == 60, "a connection without heartbeats dies unseen"


def test_the_name_in_the_certificate_may_be_another():
    (one,) = connection_parameters("amqps://10.0.0.7/?server_name_indication=rabbit")
    assert (one.host, one.ssl_options.server_hostname) == ("10.0.0.7", "rabbit")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("amqps://h/?verify=verify_none", "leave verify and ssl_options out"),
        ("amqps://h/?ssl_options=None", "leave verify and ssl_options out"),
        ("amqp://h/?cacertfile=/ca.pem", "no TLS: write amqps://"),
        ("amqps://h/?cacertfile=/no/ca.pem", "cacertfile=/no/ca.pem, which is no file"),
        ("amqps://h/?certfile={text}", "no certificate or key in PEM form"),
        ("amqp://user@h/", "a user without a password"),
        ("amqp://h/?heartbeat=often", "can't be read"),
    ],
)
def test_an_address_that_can_not_be_used_says_what_to_write(url, sentence, tmp_path):
    (tmp_path / "text").write_text("no certificate")
    with pytest.raises(BadAddress, match=sentence):
        connection_parameters(url.format(text=tmp_path / "text"))


def test_an_unusable_address_stops_the_start_with_the_same_sentence():
    told = rabbitmq_problem("amqps://h/?verify=verify_none")
    assert told.startswith("RABBITMQ_URL switches checks of the certificate off")


@pytest.mark.parametrize(
    ("product", "version", "told"),
    [
        ("RabbitMQ", "3.9.27", "RabbitMQ is version 3.9.27: 3.10 or newer is needed."),
        ("RabbitMQ", "3.10.8", None),
        ("RabbitMQ", "3.13.7", None),
        ("RabbitMQ", "4.2.0-rc.1", None),
        ("another", "1.2.3", None),
    ],
)
def test_a_rabbitmq_that_is_too_old_is_named(product, version, told):
    properties = {"product": product, "version": version}
    connection = SimpleNamespace(_impl=SimpleNamespace(server_properties=properties))
    assert too_old(connection) == told


@pytest.mark.parametrize("command", ["worker", "workers"])
def test_workers_do_not_start_beside_a_queue_with_another_priority(command, rabbitmq):
    name = rabbitmq_queue("scraper")
    rabbitmq.queue_declare(name, durable=True, arguments={"x-max-priority": 5})
    with pytest.raises(CommandError) as told:
        call_command(command, "--queues=default,scraper")
    sentence = str(told.value)
    assert f"RabbitMQ has the queue {name} with other arguments" in sentence
    assert "x-max-priority" in sentence
    assert "delete the queue, or choose another RABBITMQ_QUEUE_PREFIX" in sentence


def test_a_queue_from_before_its_type_was_named_is_the_same(rabbitmq):
    name = rabbitmq_queue("scraper")
    rabbitmq.queue_declare(name, durable=True, arguments={"x-max-priority": 10})
    assert problem_at_start(["scraper"]) is None
    get_broker().consume("scraper").close()


def test_a_quorum_queue_is_told_to_be_another(rabbitmq):
    name = rabbitmq_queue("scraper")
    arguments = {"x-queue-type": "quorum"}
    rabbitmq.queue_declare(name, durable=True, arguments=arguments)
    assert f"the queue {name} with other arguments" in problem_at_start(["scraper"])


def test_a_queue_that_changes_while_workers_run_is_told_in_the_same_words(rabbitmq):
    rabbitmq.queue_declare(rabbitmq_queue("scraper"), durable=True)
    with pytest.raises(ConnectionClosed, match="delete the queue, or choose another"):
        get_broker().consume("scraper")
