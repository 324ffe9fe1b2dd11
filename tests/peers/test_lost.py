"""Where plain Dramatiq loses a task or what should follow it: L1 to L8, and 2.2."""

from __future__ import annotations

from tests.peers.cases import case
from tests.peers.journal import comes_true, wait_until


@case("L1", "publishing is not confirmed, and nobody notices that the queue is gone")
def test_a_task_sent_to_a_queue_that_is_gone_waits_there_all_the_same(system):
    system.send("note_unserved", "L1 before")
    wait_until(lambda: system.waiting("demo") == 1)
    system.delete_queue("demo")
    system.send("note_unserved", "L1")
    assert system.soon(lambda: system.waiting("demo") >= 1)


@case("L2", "the failed run is acknowledged although its retry could not be published")
def test_a_retry_comes_although_rabbitmq_took_no_message_when_the_run_failed(system):
    system.begin_task("fail_once", "L2")
    system.workers_wire.refuse_publishing()
    system.journal.open("L2")
    system.wait_until_over("L2")
    system.workers_wire.come_back()
    assert system.runs("L2")


@case("L3", "the retry carries the changed arguments, which can't be encoded")
def test_a_run_that_spoils_its_own_arguments_is_tried_again_with_the_first_ones(system):
    system.begin_task("change_arguments", "L3", items=[])
    assert system.runs("L3")


@case("L3", "the retry is published, unconfirmed, into a delay queue that is gone")
def test_a_retry_comes_although_the_queues_were_deleted_while_it_ran(system):
    system.begin_task("fail_once_apart", "L3 queue")
    system.delete_delay_queue("scraper")
    system.journal.open("L3 queue")
    assert system.runs("L3 queue")


@case("L4", "the error of publishing the next step is swallowed")
def test_a_pipeline_goes_on_although_rabbitmq_took_no_message_at_its_step(system):
    system.call("pipeline", first="L4 first", then="L4 then")
    wait_until(lambda: system.journal.count("began", "L4 first"))
    system.workers_wire.refuse_publishing()
    system.journal.open("L4 first")
    system.wait_until_ran("L4 first")
    system.wait_until_over("L4 first")
    system.workers_wire.come_back()
    assert system.runs("L4 then")


@case("L4", "the error of publishing the group's callback is swallowed")
def test_a_group_calls_back_although_rabbitmq_took_no_message_at_its_end(system):
    system.call("group", children={"L4 child": "hold"}, callback="L4 group")
    wait_until(lambda: system.journal.count("began", "L4 child"))
    system.workers_wire.refuse_publishing()
    system.journal.open("L4 child")
    system.wait_until_over("L4 child")
    system.workers_wire.come_back()
    assert system.runs("L4 group")


@case("L4", "the error of publishing the callback is swallowed")
def test_a_task_calls_back_although_rabbitmq_took_no_message_at_its_end(system):
    system.begin_task("hold", "L4 callback", options={"on_success": "succeeded"})
    system.workers_wire.refuse_publishing()
    system.journal.open("L4 callback")
    system.wait_until_over("L4 callback")
    system.workers_wire.come_back()
    assert system.soon(lambda: system.journal.count("called back for", "L4 callback"))


@case("L4", "the error of storing the result is swallowed")
def test_a_result_is_kept_although_the_database_cut_its_sessions_meanwhile(system):
    # The backend has a connection, as every worker has after its first result.
    system.begin_task("value", "L4 warm")
    system.journal.open("L4 warm")
    system.wait_until_ran("L4 warm")
    task_id = system.begin_task("value", "L4 result")
    system.database.cut()
    system.journal.open("L4 result")
    assert system.soon(
        lambda: system.call("result_of", task_id=task_id, actor="value") == 7
    )


@case("L5", "the mover publishes into a queue that is gone, then acknowledges")
def test_a_delayed_task_runs_although_its_queue_was_deleted_when_it_was_due(system):
    system.send_delayed("note_apart", "L5", 700)
    system.delete_main_queue("scraper")
    assert system.runs("L5")


@case("L6", "a dead letter expires (here after a second, else after seven days)")
def test_a_failed_task_stays_until_a_person_has_seen_it(system):
    system.send("fail_for_good", "L6")
    wait_until(lambda: "L6" in system.call("failed_tasks"))
    assert not comes_true(lambda: "L6" not in system.call("failed_tasks"), 2.0)


@case("L7", "the process died between its commit and sending")
def test_a_committed_order_has_its_task_although_the_process_died(system):
    system.try_to("order_and_die", name="L7 died")
    assert system.soon(lambda: system.journal.count("found", "L7 died"))


@case("L7", "sending raises after the commit, and nobody has the task")
def test_a_committed_order_has_its_task_although_rabbitmq_was_away(system):
    system.senders_wire.go_down()
    system.try_to("order", name="L7 away")
    system.senders_wire.come_back()
    assert system.soon(lambda: system.journal.count("found", "L7 away"))


@case("L7", "what was sent inside the transaction runs for a row that never came")
def test_an_order_that_was_rolled_back_has_no_task(system):
    system.call("order_and_roll_back", name="L7 rolled back")
    system.send("note", "L7 sentinel")
    system.wait_until_ran("L7 sentinel")
    assert not comes_true(lambda: system.journal.count("missed", "L7 rolled back"), 0.5)


@case("L7", "what was sent inside the transaction runs before the commit")
def test_a_task_never_runs_before_the_order_is_committed(system):
    system.begin("order_slowly", name="L7 early")
    early = comes_true(lambda: system.journal.count("missed", "L7 early"), 1.0)
    system.journal.open("L7 early")
    system.end()
    assert not early
    assert system.soon(lambda: system.journal.count("found", "L7 early"))


@case("L8", "the node was the only one that knew the message")
def test_a_task_outlives_a_node_that_lost_its_disk(system):
    system.send("note_unserved_too", "L8")
    wait_until(lambda: system.waiting("ai") >= 1)
    # Marked as confirmed, so that it does not count as never published.
    wait_until(lambda: system.call("is_published", name="L8"))
    system.delete_queue("ai")
    assert system.soon(lambda: system.waiting("ai") >= 1)


@case("2.2", "the message is taken, and set aside by the first worker that gets it")
def test_a_task_for_an_actor_that_is_not_there_is_refused_at_once(system):
    assert not system.try_to("send_to_nobody", actor="nobody", name="2.2")
