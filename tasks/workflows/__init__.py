"""Workflows: tasks that belong together, chained and grouped to any reasonable depth.

    from tasks import workflows
    from tasks.workflows import OUTCOME, RESULT, chain, group, step

    workflow_id = workflows.start(
        chain(
            step("fetch", url=url),
            group(step("score", page=RESULT, rule=rule) for rule in rules),
            step("report", scores=RESULT),
        ),
        on_failure="cancel",
        then=step("publish", report=RESULT),
        otherwise=step("tell_owner", outcome=OUTCOME),
    )

Names and arguments are checked where they are written. The rows are the caller's
transaction's; a workflow goes on in the transactions that follow the ends of its tasks
(see `tasks.following`), so that each step has one task and each end one callback,
whatever dies.
"""

from __future__ import annotations

from tasks.workflows.composing import OUTCOME, RESULT, chain, group, step
from tasks.workflows.controlling import cancel, retry
from tasks.workflows.settling import follow
from tasks.workflows.starting import start
from tasks.workflows.waiting import result_of, wait

__all__ = [
    "OUTCOME",
    "RESULT",
    "cancel",
    "chain",
    "follow",
    "group",
    "result_of",
    "retry",
    "start",
    "step",
    "wait",
]
