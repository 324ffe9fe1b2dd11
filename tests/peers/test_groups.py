"""Where Dramatiq's groups call back too often or too early: 2.5."""

from __future__ import annotations

from tests.peers.cases import case
from tests.peers.journal import comes_true, wait_until


def redeliver(system, task_id, times):
    """Bring a finished task's message again, and wait until workers have seen it."""
    for _ in range(times):
        system.call("redeliver", task_id=task_id)
    name = f"after {task_id}"
    system.send("note", name)
    system.wait_until_ran(name)


@case("2.5", "a child that ran twice stands for its sibling")
def test_a_redelivered_child_does_not_end_the_group(system):
    ids = system.call(
        "group",
        children={"2.5 slow": "hold", "2.5 quick": "note"},
        callback="2.5 early",
    )
    system.wait_until_ran("2.5 quick")
    system.wait_until_over("2.5 quick")
    redeliver(system, ids["2.5 quick"], 1)
    early = comes_true(lambda: system.journal.count("ran", "2.5 early"), 0.7)
    system.journal.open("2.5 slow")
    assert not early
    assert system.runs("2.5 early")


@case("2.5", "each redelivery of a child calls back once more")
def test_a_group_calls_back_once_however_often_its_children_are_redelivered(system):
    ids = system.call(
        "group", children={"2.5 a": "note", "2.5 b": "note"}, callback="2.5 once"
    )
    system.wait_until_ran("2.5 once")
    for task_id in ids.values():
        redeliver(system, task_id, 2)
    assert not comes_true(lambda: system.journal.count("ran", "2.5 once") > 1, 0.7)


@case("2.5", "when the counter's time is over every child calls back")
def test_a_group_that_outlives_its_counter_calls_back_once(system):
    system.call(
        "group", children={"2.5 x": "hold", "2.5 y": "hold"}, callback="2.5 late"
    )
    wait_until(lambda: system.journal.count("began", "2.5 x"))
    wait_until(lambda: system.journal.count("began", "2.5 y"))
    system.call("outlive_counters")
    for name in ("2.5 x", "2.5 y"):
        system.journal.open(name)
    system.wait_until_ran("2.5 late")
    assert not comes_true(lambda: system.journal.count("ran", "2.5 late") > 1, 0.7)


@case("2.5", "a child that fails for good leaves the group without an end")
def test_the_end_of_a_group_is_told_although_a_child_has_failed(system):
    system.call("group_with_a_failure", failing="2.5 failing", callback="2.5 told")
    assert system.runs("2.5 told")


@case("2.5", "groups in groups have no callbacks (NotImplementedError)")
def test_groups_stand_inside_groups(system):
    names = ["2.5 inner a", "2.5 inner b"]
    assert system.try_to("nested_groups", names=names, callback="2.5 all")
    assert system.runs("2.5 all")
    assert all(system.journal.count("ran", name) == 1 for name in names)
