"""TLS to a real RabbitMQ node that wants to see certificates, and shows its own."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from deploy.local.answering import rabbitmq_problem
from deploy.starting import problems
from tasks.enqueueing import enqueue
from tasks.models import Task
from tasks.publishing import BrokerUnavailable, Publisher
from tasks.states import State
from tests.tasks.nodes import Authority, running_node_with_tls
from tests.tasks.test_publishing import deliveries


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_node_with_tls(tmp_path_factory.mktemp("tls")) as found:
        yield found


@pytest.fixture
def address(server, tmp_path):
    """Return an address with the options that a test changes."""
    node, port, authority = server
    client = authority.sign("client")
    whole = {
        "cacertfile": authority.certificate,
        "certfile": client.certificate,
        "keyfile": client.key,
    }

    def with_options(port=port, **changed):
        options = {k: v for k, v in (whole | changed).items() if v is not None}
        user = f"fliptech:{node.node.password}"
        return f"amqps://{user}@127.0.0.1:{port}/?{urlencode(options)}"

    return with_options


@pytest.fixture
def queues_of_this_node(settings):
    settings.RABBITMQ_QUEUE_PREFIX = "tls."


def test_messages_go_through_tls(address, settings, queues_of_this_node):
    settings.RABBITMQ_URL = address()
    publisher = Publisher()
    batch = deliveries(1500)
    assert set(publisher.publish(batch)) == {one.task_id for one in batch}
    assert publisher.ready_count("default") == 1500
    publisher.close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_finds_the_second_host_through_tls_and_runs_its_task(
    address, settings, queues_of_this_node, start_process, wait_until, rabbitmq_url
):
    settings.RABBITMQ_URL = f"amqp://127.0.0.1:1/;{address()}"
    settings.RABBITMQ_QUEUE_PREFIX = "tls-worker."
    start_process("worker", "--queues=default", "--threads=1")
    task_id = enqueue("trial_add", a=1, b=2)
    wait_until(lambda: Task.objects.get(pk=task_id).state == State.SUCCEEDED, 40)


def test_who_forgets_tls_hears_of_it(server):
    node, port, _ = server
    told = rabbitmq_problem(f"amqp://fliptech:{node.node.password}@127.0.0.1:{port}/")
    assert "it hangs up: it is no RabbitMQ, or wants TLS" in told


def test_the_start_scripts_are_content_with_a_certificate_that_can_be_checked(address):
    environment = {
        "SECRET_KEY": "x" * 50,
        "DATABASE_URL": "",
        "RABBITMQ_URL": f"amqp://127.0.0.1:1/;{address()}",
    }
    assert [told for told in problems(environment) if "RabbitMQ" in told] == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cacertfile": None}, "its certificate is refused: "),
        ({"cacertfile": "another"}, "its certificate is refused: "),
        (
            {"server_name_indication": "elsewhere.example"},
            "its certificate is refused: Hostname mismatch",
        ),
        ({"certfile": None, "keyfile": None}, "a client's certificate"),
        ({"port": "plain"}, "TLS fails: "),
    ],
    ids=["unknown", "another authority", "another name", "no certificate", "no TLS"],
)
def test_what_is_wrong_with_a_certificate_is_one_sentence(
    address, server, tmp_path, settings, changed, sentence
):
    if changed.get("cacertfile") == "another":
        changed = {"cacertfile": Authority(tmp_path, "another").certificate}
    if changed.get("port") == "plain":
        changed = {"port": server[0].node.amqp_port}
    url = address(**changed)
    told = rabbitmq_problem(url)
    assert sentence in told
    assert "\n" not in told
    assert server[0].node.password not in told
    settings.RABBITMQ_URL = url
    with pytest.raises(BrokerUnavailable, match="RabbitMQ can't be reached") as error:
        Publisher().publish(deliveries(1))
    assert sentence in str(error.value)
