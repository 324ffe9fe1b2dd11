"""Deliveries over real HTTP: signed, tried again under the same id, or given up."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as IndependentVerifier
from standardwebhooks import WebhookVerificationError

from fliptech_site import outbound
from fliptech_site.errors import (
    InvalidInput,
    PermanentError,
    RateLimited,
    TransientError,
)
from tasks.leases import take
from tasks.models import Lease, Task, Webhook, WebhookDelivery
from tasks.webhooks import delivering, subscribing
from tasks.webhooks.keeping import derived_secrets
from tests.tasks.receiver import Answer, end

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"

pytestmark = pytest.mark.django_db(transaction=True)


def deliver(delivery=None):
    delivery = delivery or WebhookDelivery.objects.get()
    return delivering.deliver(str(delivery.pk))


# --- signing -------------------------------------------------------------------------


def test_other_peoples_code_verifies_what_is_sent(receiver, added):
    _, secret = added
    task_id = end({"sum": 3})
    assert deliver() == {"state": "delivered", "status": 204}
    (got,) = receiver.got
    event = IndependentVerifier(secret).verify(got.body, got.headers)
    assert event == json.loads(got.body)
    assert event["type"] == "task.succeeded"
    assert event["data"]["id"] == str(task_id)
    assert event["data"]["result"] == {"sum": 3}
    ended = Task.objects.get(pk=task_id).finished_at
    assert datetime.fromisoformat(event["timestamp"]) == ended
    assert got.headers["content-type"] == "application/json"
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60


def test_a_changed_body_an_old_time_and_another_secret_are_refused(receiver, added):
    _, secret = added
    end()
    deliver()
    (got,) = receiver.got
    verifier = IndependentVerifier(secret)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(got.body + b" ", got.headers)
    late = got.headers | {"webhook-timestamp": str(int(time.time()) - 400)}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(got.body, late)
    with pytest.raises(WebhookVerificationError):
        IndependentVerifier(derived_secrets(receiver.url)[0]).verify(
            got.body, got.headers
        )


def test_the_example_in_the_guide_tells_genuine_from_forged(receiver, added):
    _, secret = added
    end()
    deliver()
    (got,) = receiver.got
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    exec(code.group(1), names := {})
    is_genuine = names["is_genuine"]
    assert is_genuine(secret, got.headers, got.body)
    assert not is_genuine(secret, got.headers, got.body + b" ")
    assert not is_genuine("whsec_" + "A" * 44, got.headers, got.body)
    late = got.headers | {"webhook-timestamp": str(int(time.time()) - 301)}
    assert not is_genuine(secret, late, got.body)


def test_while_a_secret_is_changed_both_sign(receiver, added):
    webhook, old = added
    new = subscribing.renew_secret(webhook)
    end()
    deliver()
    for secret in (old, new):
        IndependentVerifier(secret).verify(
            receiver.got[0].body, receiver.got[0].headers
        )
    Webhook.objects.update(previous_until=datetime.now(UTC) - timedelta(seconds=1))
    end()
    deliver(WebhookDelivery.objects.get(state="waiting"))
    with pytest.raises(WebhookVerificationError):
        IndependentVerifier(old).verify(receiver.got[1].body, receiver.got[1].headers)


def test_an_address_that_a_task_names_is_signed_by_a_derived_secret(receiver, settings):
    settings.FIELD_KEYS = ["new key", "old key"]
    end(webhook=receiver.url)
    deliver()
    (got,) = receiver.got
    new, old = derived_secrets(receiver.url)
    for secret in (new, old):
        IndependentVerifier(secret).verify(got.body, got.headers)
    assert derived_secrets("https://other.example/hook") != [new, old]


def test_a_secret_whose_key_is_gone_waits_for_it_and_sends_nothing(
    receiver, added, settings
):
    end()
    settings.FIELD_KEYS = ["another key"]
    with pytest.raises(TransientError, match="FIELD_KEYS"):
        deliver()
    assert receiver.got == []
    assert WebhookDelivery.objects.get().state == "waiting"


# --- tries ----------------------------------------------------------------------------


def test_a_retry_has_the_same_id_and_body_and_a_new_time(receiver, added, monkeypatch):
    _, secret = added
    receiver.answer(Answer(500, b"oops"), Answer(200))
    end()
    with pytest.raises(TransientError, match="500 Internal Server Error") as raised:
        deliver()
    assert 1 <= raised.value.retry_after <= 20
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.answer) == ("waiting", 1, "oops")
    monkeypatch.setattr(delivering, "datetime", _Later)
    deliver()
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    IndependentVerifier(secret).verify(second.body, second.headers)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("delivered", 2)
    assert [entry["status"] for entry in delivery.history] == [500, 200]
    assert deliver(delivery) == {"state": "settled before"}
    assert len(receiver.got) == 2


class _Later(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(seconds=20)


def test_gone_switches_the_webhook_off_and_what_waits_is_dropped(receiver, added):
    webhook, _ = added
    receiver.answer(Answer(410))
    end()
    end()
    first, second = WebhookDelivery.objects.order_by("created_at")
    assert deliver(first)["state"] == "gone"
    webhook.refresh_from_db()
    assert not webhook.is_enabled
    assert "410 Gone" in webhook.problem
    assert deliver(second) == {"state": "dropped"}
    assert len(receiver.got) == 1
    end()
    assert WebhookDelivery.objects.count() == 2
    with pytest.raises(InvalidInput, match="switched off"):
        subscribing.send_again(second.pk)


@pytest.mark.parametrize("status", [400, 401, 404, 301, 302, 307])
def test_refusals_and_redirects_are_final_and_not_followed(receiver, added, status):
    target = f"http://{receiver.host_port}/elsewhere"
    receiver.answer(Answer(status, headers={"Location": target}), Answer(200))
    end()
    with pytest.raises(PermanentError, match=str(status)):
        deliver()
    assert [got.path for got in receiver.got] == ["/hook"]
    assert WebhookDelivery.objects.get().state == "failed"


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_when_it_is_longer(receiver, added, status):
    receiver.answer(Answer(status, headers={"Retry-After": "3600"}))
    end()
    with pytest.raises(TransientError) as raised:
        deliver()
    assert raised.value.retry_after == 3600


def test_after_a_day_it_is_given_up(receiver, added):
    receiver.answer(Answer(500))
    end()
    WebhookDelivery.objects.update(give_up_at=datetime.now(UTC))
    with pytest.raises(PermanentError, match="time for another try is over"):
        deliver()
    assert WebhookDelivery.objects.get().state == "failed"


def test_a_private_address_is_refused_when_the_socket_opens(
    receiver, added, settings, monkeypatch
):
    end()
    settings.FETCH_ALLOWED_PRIVATE = []
    with pytest.raises(PermanentError, match="private network"):
        deliver()
    assert receiver.got == []
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status) == ("failed", None)


def test_a_slow_receiver_is_cut_off(receiver, added, monkeypatch):
    done = threading.Event()

    def slowly():
        done.wait(20)
        return Answer()

    receiver.answer(slowly)
    monkeypatch.setattr(delivering, "LIMITS", outbound.Limits(seconds=0.3, bytes=4096))
    end()
    with pytest.raises(TransientError, match="no whole answer within"):
        deliver()
    done.set()
    assert WebhookDelivery.objects.get().state == "waiting"


def test_a_closed_port_is_tried_again(receiver, added):
    end()
    receiver.server_close()
    # On a busy machine another test may have got the port meanwhile.
    with pytest.raises(TransientError, match="refuses connections|broke the conn"):
        deliver()


def test_a_slow_receiver_holds_a_few_slots_and_others_go_on(receiver, added):
    end()
    taken = [
        take(f"webhook:{receiver.host_port}", limit=delivering.SLOTS, lease_seconds=60)
        for _ in range(delivering.SLOTS)
    ]
    assert all(taken)
    with pytest.raises(RateLimited) as raised:
        deliver()
    assert 0 < raised.value.retry_after <= 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.tries, receiver.got) == (0, [])
    Lease.objects.filter(pk=taken[0].number).delete()
    deliver()
    # Its slot is free again.
    assert Lease.objects.count() == delivering.SLOTS - 1


def test_a_huge_answer_is_shortened_and_its_nul_dropped(receiver, added):
    receiver.answer(Answer(200, b"a\x00b" + b"x" * 100_000))
    end()
    deliver()
    answer = WebhookDelivery.objects.get().answer
    assert answer.startswith("ab")
    assert len(answer) == delivering.KEPT_ANSWER


def test_a_worker_that_dies_between_request_and_record_delivers_again_under_the_id(
    receiver, added, monkeypatch
):
    end()

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_record", die)
        with pytest.raises(Killed):
            deliver()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.history) == ("waiting", 1, [])
    deliver()
    assert len(receiver.got) == 2
    assert len(set(receiver.ids())) == 1
