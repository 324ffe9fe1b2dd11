"""Settle: look at what has come to rest, and begin what comes next.

Whoever settles holds the lock of the workflow's row, so that the last two children of a
group can't each take the other for open. A group is done when the *set* of its children
holds no open one; nothing is counted, so an end that is told twice changes nothing. What
comes next is enqueued in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from tasks.following import together
from tasks.states import State
from tasks.waking import CHANNEL
from tasks.workflow_rows import (
    UNFINISHED_WORKFLOW,
    Node,
    NodeState,
    Workflow,
    WorkflowState,
)
from tasks.workflows.beginning import begin, move
from tasks.workflows.deciding import Ended, chain_state, final_state, group_state
from tasks.workflows.telling import outcome_of, sentence_of

#: The task's row is the truth: an end that is told late or twice finds it elsewhere, or
#: the step no longer running. A task that somebody deleted has failed.
_SYNC = """
UPDATE tasks_node AS step SET state = coalesce(task.state, 'failed')
FROM unnest(%s::uuid[]) AS asked(id) LEFT JOIN tasks_task AS task ON task.id = asked.id
WHERE step.id = asked.id AND step.state = 'running'
    AND coalesce(task.state, 'failed') IN ('succeeded', 'failed', 'cancelled')
RETURNING step.workflow_id, step.role, step.id, step.parent_id, step.position, step.state
"""

#: For each parent: the next child of a chain, whether a group has an open child. EXISTS
#: would lose the order, see `tasks_node_open_idx`.
_LOOK = """
SELECT parent.id, parent.parent_id, parent.position, parent.kind, parent.may_fail,
    child.state, next.id, child.id,
    parent.kind = 'group' AND (
        SELECT id FROM tasks_node AS sibling
        WHERE sibling.parent_id = parent.id AND sibling.state IN ('waiting', 'running')
        ORDER BY sibling.position DESC LIMIT 1
    ) IS NOT NULL
FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[])
    AS child(parent_id, id, position, state)
JOIN tasks_node AS parent ON parent.id = child.parent_id AND parent.state = 'running'
LEFT JOIN tasks_node AS next ON parent.kind = 'chain'
    AND next.parent_id = parent.id AND next.position = child.position + 1
"""

_STATES = """
SELECT parent_id, bool_or(state = 'failed'), bool_or(state = 'cancelled')
FROM tasks_node WHERE parent_id = ANY(%s) GROUP BY parent_id
"""

#: In the order of their ids, as workers lock them that end tasks in groups.
_STOP_TASKS = """
WITH open AS (
    SELECT task.id FROM tasks_node AS step JOIN tasks_task AS task ON task.id = step.id
    WHERE step.workflow_id = %s AND step.kind = 'step' AND step.role = 'body'
        AND step.state = 'running' AND task.state IN ('scheduled', 'queued', 'running')
    ORDER BY task.id FOR UPDATE OF task
), stopped AS (
    UPDATE tasks_task AS task SET
        state = CASE WHEN task.state = 'running' THEN 'running' ELSE 'cancelled' END,
        finished_at = CASE WHEN task.state <> 'running' THEN clock_timestamp() END,
        cancel_requested_at =
            CASE WHEN task.state = 'running' THEN clock_timestamp() END
    FROM open WHERE task.id = open.id
    RETURNING task.id, task.state
)
UPDATE tasks_node AS step SET state = 'cancelled' FROM stopped
WHERE step.id = stopped.id AND stopped.state = 'cancelled'
RETURNING step.id, step.parent_id, step.position, step.state
"""

#: Steps that are in no group that may fail.
_UNPARDONED = """
WITH RECURSIVE above AS (
    SELECT id AS step_id, parent_id, false AS may_fail
    FROM tasks_node WHERE id = ANY(%s)
    UNION ALL
    SELECT above.step_id, node.parent_id, node.may_fail
    FROM above JOIN tasks_node AS node ON node.id = above.parent_id
)
SELECT step_id FROM above GROUP BY step_id HAVING NOT bool_or(may_fail)
"""

_FIRST_FAILED = """
WITH RECURSIVE failed AS (
    SELECT id, kind FROM tasks_node
    WHERE workflow_id = %s AND role = 'body' AND parent_id IS NULL AND state = 'failed'
    UNION ALL
    SELECT child.id, child.kind
    FROM failed JOIN tasks_node AS child ON child.parent_id = failed.id
    WHERE child.state = 'failed'
)
SELECT id FROM failed WHERE kind = 'step' ORDER BY id LIMIT 1
"""


@together
def follow(ends: Sequence[tuple[UUID, State]]) -> None:
    """Let the workflows go on to which these tasks belong, as far as they belong to any.

    A follower as settings.TASK_FOLLOWERS has them. What it is told is only a hint, the
    tasks' rows say how they are now: told twice, or late, it does nothing.
    """
    step_ids = [task_id for task_id, _ in ends]
    workflows = {one.pk: one for one in lock_workflows_of(step_ids)}
    if not workflows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SYNC, [step_ids])
        rows = cursor.fetchall()
    places = {step_id: place for place, step_id in enumerate(step_ids)}
    ended: dict[UUID, list[Ended]] = {}
    for workflow_id, role, *columns in rows:
        if role == Node.Role.BODY:
            ended.setdefault(workflow_id, []).append(Ended(*columns))
    for workflow_id in workflows:
        if workflow_id in ended:
            in_order = sorted(ended[workflow_id], key=lambda one: places[one.node_id])
            Settling(workflows[workflow_id]).steps_ended(in_order)


def lock_workflows_of(task_ids: Collection[UUID]) -> list[Workflow]:
    """Return the workflows of which these tasks are steps, locked, in one order."""
    ids = Node.objects.filter(pk__in=task_ids).values("workflow_id")
    return list(
        Workflow.objects.select_for_update(no_key=True)
        .filter(pk__in=ids)
        .order_by("pk")
    )


class Settling:
    """One workflow under the lock of its row, until the transaction ends."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow

    def steps_ended(self, ended: Sequence[Ended]) -> None:
        """Do what follows when these steps have come to rest."""
        missed = [one.node_id for one in ended if one.state != NodeState.SUCCEEDED]
        stopped = self._miss(missed) if missed else []
        self.settle([*ended, *stopped])

    def begin(self, starts: Mapping[UUID, UUID | None]) -> None:
        """Begin nodes, each with the node whose result it takes, and what follows."""
        self.settle(begin(self._workflow, starts))

    def stop(self) -> None:
        """Let nothing more begin: cancel what waits, ask what runs to stop."""
        self.settle(self._stop())

    def settle(self, ended: Sequence[Ended]) -> None:
        """Do all that follows from nodes that have come to rest."""
        while ended:
            for one in ended:
                if one.parent_id is None:
                    self._finish(one)
                    return
            ended = self._climb(ended)

    @property
    def _is_stopping(self) -> bool:
        return self._workflow.state == WorkflowState.STOPPING

    def _climb(self, ended: Sequence[Ended]) -> list[Ended]:
        """Look at the parents; return the nodes that have come to rest by that."""
        by_parent = {one.parent_id: one for one in ended}
        with connection.cursor() as cursor:
            cursor.execute(
                _LOOK,
                [
                    list(by_parent),
                    [one.node_id for one in by_parent.values()],
                    [one.position for one in by_parent.values()],
                    [one.state for one in by_parent.values()],
                ],
            )
            rows = cursor.fetchall()
        resolved: list[Ended] = []
        starts: dict[UUID, UUID | None] = {}
        groups: dict[UUID, tuple[UUID | None, int, bool]] = {}
        for node_id, parent_id, position, kind, may_fail, *child in rows:
            child_state, next_id, child_id, has_open = child
            if kind == Node.Kind.GROUP:
                if not has_open:
                    groups[node_id] = (parent_id, position, may_fail)
                continue
            state = chain_state(
                child_state,
                has_next=next_id is not None,
                is_stopping=self._is_stopping,
            )
            if state is None:
                starts[next_id] = child_id
            else:
                resolved.append(Ended(node_id, parent_id, position, state))
        resolved.extend(self._resolve_groups(groups))
        for state in NodeState:
            move(state, [one.node_id for one in resolved if one.state == state])
        return [*resolved, *begin(self._workflow, starts)]

    def _resolve_groups(
        self, groups: Mapping[UUID, tuple[UUID | None, int, bool]]
    ) -> list[Ended]:
        if not groups:
            return []
        with connection.cursor() as cursor:
            cursor.execute(_STATES, [list(groups)])
            rows = cursor.fetchall()
        resolved = []
        for node_id, has_failed, has_cancelled in rows:
            parent_id, position, may_fail = groups[node_id]
            state = group_state(
                has_failed=has_failed,
                has_cancelled=has_cancelled,
                may_fail=may_fail,
                is_stopping=self._is_stopping,
            )
            resolved.append(Ended(node_id, parent_id, position, state))
        return resolved

    def _miss(self, step_ids: Sequence[UUID]) -> list[Ended]:
        """Note steps that did not succeed; return what comes to rest by stopping."""
        if self._workflow.state not in UNFINISHED_WORKFLOW:
            return []
        with connection.cursor() as cursor:
            cursor.execute(_UNPARDONED, [list(step_ids)])
            unpardoned = {row[0] for row in cursor.fetchall()}
        missed = [step_id for step_id in step_ids if step_id in unpardoned]
        if not missed:
            return []
        if self._workflow.failed_step is None:
            self._set(failed_step=missed[0], error_message=sentence_of(missed[0]))
        is_to_stop = self._workflow.on_failure == Workflow.OnFailure.CANCEL
        return self._stop() if is_to_stop and not self._is_stopping else []

    def _stop(self) -> list[Ended]:
        self._set(state=WorkflowState.STOPPING)
        with connection.cursor() as cursor:
            cursor.execute(_STOP_TASKS, [self._workflow.pk])
            return [Ended(*row) for row in cursor.fetchall()]

    def _finish(self, root: Ended) -> None:
        """End the workflow, and begin the step that runs after it."""
        if self._workflow.state not in UNFINISHED_WORKFLOW:
            return
        state = final_state(
            root.state,
            is_cancel_requested=self._workflow.cancel_requested_at is not None,
        )
        if state == WorkflowState.SUCCEEDED:
            self._set(failed_step=None, error_message="")
        elif self._workflow.failed_step is None:
            self._name_first_failed()
        self._set(state=state, finished_at=Now())
        if self._workflow.is_awaited:
            with connection.cursor() as cursor:
                payload = f"workflow:{self._workflow.pk}"
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
        after = self._step_after(state)
        if after is not None:
            source = root.node_id if state == WorkflowState.SUCCEEDED else None
            begin(self._workflow, {after.pk: source}, outcome_of(self._workflow))

    def _name_first_failed(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FIRST_FAILED, [self._workflow.pk])
            row = cursor.fetchone()
        if row is not None:
            self._set(failed_step=row[0], error_message=sentence_of(row[0]))

    def _step_after(self, state: WorkflowState) -> Node | None:
        role = Node.Role.OTHERWISE
        if state == WorkflowState.SUCCEEDED:
            role = Node.Role.THEN
        nodes = Node.objects.filter(workflow=self._workflow, role=role)
        after = nodes.order_by("-position").first()
        if after is not None and after.state != NodeState.WAITING:
            # A retry has ended without success, too: another row, another task.
            after = Node.objects.create(
                workflow=self._workflow,
                position=after.position + 1,
                kind=after.kind,
                role=role,
                actor=after.actor,
                priority=after.priority,
                kwargs=after.kwargs,
                takes=after.takes,
            )
        return after

    def _set(self, **values: Any) -> None:
        """Write to the row, if it still is in the state that was read with the lock."""
        changed = Workflow.objects.filter(
            pk=self._workflow.pk, state=self._workflow.state
        ).update(**values)
        if not changed:
            raise RuntimeError(
                f"Workflow {self._workflow.pk} moved in spite of its lock."
            )
        for name, value in values.items():
            setattr(self._workflow, name, value)
