"""Where plain Dramatiq runs a task twice or for ever: T1 to T6."""

from __future__ import annotations

from tests.peers.cases import case
from tests.peers.journal import comes_true, wait_until


def more_than(system, runs, name, seconds=2.2, word="began"):
    """Return whether a task began more often than `runs` times within `seconds`."""
    return comes_true(lambda: system.journal.count(word, name) > runs, seconds)


@case("T1", "RabbitMQ delivers again at once, and both copies run")
def test_a_running_task_is_not_started_again_when_the_connection_drops(system):
    system.begin_task("hold", "T1")
    system.workers_wire.cut()
    again = more_than(system, 1, "T1")
    system.journal.open("T1")
    assert not again


@case(
    "T2",
    "RabbitMQ closes the channel and delivers again, and again",
    on="impatient_system",
)
def test_a_task_longer_than_the_consumer_timeout_runs_once(impatient_system):
    """Here it is a second, and looked for twice a second; by default 30 minutes."""
    system = impatient_system
    system.begin_task("hold", "T2")
    again = more_than(system, 1, "T2", 6.0)
    system.journal.open("T2")
    assert not again


@case("T3", "each death brings the message back at once, uncounted, for ever")
def test_a_task_that_kills_its_workers_is_set_aside(system):
    deaths = 4
    system.begin_task("die", "T3")

    def is_settled():
        system.revive(is_awaited=False)
        return system.journal.count("began", "T3") > deaths or "T3" in system.call(
            "failed_tasks"
        )

    wait_until(is_settled)
    runs = system.journal.count("began", "T3")
    system.forget_all()
    assert runs <= deaths


@case("T3", "the effect is committed and the acknowledgement is not")
def test_an_effect_happens_once_although_its_worker_died_right_after_it(system):
    system.begin_task("die_after_its_effect", "T3 effect")
    wait_until(lambda: system.database.count_effects("T3 effect"))

    def again():
        system.revive(is_awaited=False)
        return system.database.count_effects("T3 effect") > 1

    doubled = comes_true(again, 2.5)
    system.forget_all()
    assert not doubled


@case("T4", "the mover had published the copy and not acknowledged the original")
def test_a_delayed_task_runs_once_although_its_mover_died(system):
    system.lose_the_movers_answer("T4 delayed")
    system.kill_the_mover()
    system.wait_until_ran("T4 delayed")
    assert not more_than(system, 1, "T4 delayed", word="ran")


@case("T4", "the retry was published and the original not acknowledged")
def test_a_retried_task_runs_once_more_although_its_worker_died(system):
    system.begin_task("fail_once", "T4 retry")
    system.workers_wire.hang_consumers()
    system.journal.open("T4 retry")
    system.wait_until_over("T4 retry")
    system.pool.kill()
    system.workers_wire.come_back()
    system.revive()
    system.wait_until_ran("T4 retry")
    assert not more_than(system, 1, "T4 retry", word="ran")


@case("T5", "the acknowledgement was still to be sent when the worker was stopped")
def test_a_finished_task_does_not_run_again_when_its_worker_is_stopped(system):
    system.begin_task("hold", "T5")
    system.workers_wire.hang_consumers()
    system.journal.open("T5")
    system.wait_until_ran("T5")
    system.pool.terminate()
    system.workers_wire.come_back()
    system.revive()
    assert not more_than(system, 1, "T5")
