"""Publishing to the real RabbitMQ, confirmed and pipelined."""

from __future__ import annotations

import json
import socket
import uuid

import pytest

from tasks.barring import Barred
from tasks.broker import MAX_PRIORITY
from tasks.publishing import CHUNK, WINDOW, BrokerUnavailable, Delivery, Publisher


@pytest.fixture
def publisher(rabbitmq):
    publisher = Publisher()
    yield publisher
    publisher.close()


def deliveries(count, queue="default", priority=5):
    return [Delivery(uuid.uuid4(), "trial_add", queue, priority) for _ in range(count)]


def received(rabbitmq, settings, queue="default"):
    bodies = []
    while True:
        _, _, body = rabbitmq.basic_get(
            f"{settings.RABBITMQ_QUEUE_PREFIX}{queue}", auto_ack=True
        )
        if body is None:
            return [json.loads(body)["message_id"] for body in bodies]
        bodies.append(body)


def test_every_confirmed_message_is_in_the_queue(publisher, rabbitmq, settings):
    batch = deliveries(1234)
    assert set(publisher.publish(batch)) == {one.task_id for one in batch}
    assert publisher.ready_count("default") == 1234
    assert set(received(rabbitmq, settings)) == {str(one.task_id) for one in batch}


def test_a_higher_priority_leaves_the_queue_first(publisher, rabbitmq, settings):
    low, high = deliveries(1, priority=1), deliveries(1, priority=MAX_PRIORITY)
    publisher.publish(low + high)
    assert received(rabbitmq, settings) == [str(one.task_id) for one in high + low]


def test_a_queue_that_vanished_costs_one_round_and_no_message(
    publisher, rabbitmq, settings
):
    publisher.publish(deliveries(1))
    rabbitmq.queue_delete(f"{settings.RABBITMQ_QUEUE_PREFIX}default")
    lost = deliveries(3)
    assert publisher.publish(lost) == []
    assert set(publisher.publish(lost)) == {one.task_id for one in lost}


def test_a_queue_that_rabbitmq_refuses_holds_up_no_other(publisher, rabbitmq, settings):
    name = f"{settings.RABBITMQ_QUEUE_PREFIX}email"
    rabbitmq.queue_declare(name)
    mixed = deliveries(2, "email") + deliveries(2)
    assert publisher.publish(mixed) == []
    assert publisher.publish(mixed) == [one.task_id for one in mixed[2:]]
    assert publisher.ready_count("email") is None

    rabbitmq.queue_delete(name)
    publisher._barred = Barred()
    assert len(publisher.publish(mixed)) == 4


def test_a_connection_that_died_is_opened_again(publisher, rabbitmq, settings):
    publisher.publish(deliveries(1))
    publisher._connection._transport._sock.shutdown(socket.SHUT_RDWR)
    assert len(publisher.publish(deliveries(2))) == 2


def test_a_broker_out_of_reach_is_said_in_one_sentence(settings):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings.RABBITMQ_URL = f"amqp://127.0.0.1:{nobody.getsockname()[1]}/"
        with pytest.raises(BrokerUnavailable, match="RabbitMQ can't be reached"):
            Publisher().publish(deliveries(1))


def test_the_second_host_is_used_when_the_first_is_down(rabbitmq, settings):
    settings.RABBITMQ_URL = f"amqp://127.0.0.1:1/;{settings.RABBITMQ_URL}"
    publisher = Publisher()
    assert len(publisher.publish(deliveries(1))) == 1
    publisher.close()


def test_many_messages_are_in_flight_but_not_all_at_once(publisher, monkeypatch):
    in_flight = []
    turn = publisher._run_until

    def watch(is_done, seconds):
        in_flight.append(len(publisher._pending))
        turn(is_done, seconds)

    publisher.publish(deliveries(1))
    monkeypatch.setattr(publisher, "_run_until", watch)
    assert len(publisher.publish(deliveries(WINDOW * 3))) == WINDOW * 3
    assert CHUNK < max(in_flight) <= WINDOW + CHUNK
