"""What a workflow ought to do, said once more without a database, a lock or a statement.

After every event the whole tree is gone through from the root.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tasks.workflows.composing import Chain, Part, Step

UNFINISHED = ("running", "stopping")
BAD = ("failed", "cancelled")


@dataclass(eq=False)
class Place:
    """A node, and of a step its task."""

    kind: str
    children: list[Place] = field(default_factory=list)
    above: Place | None = None
    may_fail: bool = False
    name: str = ""
    takes: bool = False
    state: str = "waiting"
    #: The task's own state; empty while there is none.
    task: str = ""
    before: Any = None

    def walk(self) -> Iterator[Place]:
        """Yield this and all below."""
        yield self
        for child in self.children:
            yield from child.walk()

    def up(self) -> Iterator[Place]:
        """Yield all above, the nearest first."""
        if self.above is not None:
            yield self.above
            yield from self.above.up()


def place_of(part: Part, above: Place | None = None) -> Place:
    """Return the place of a part and of all in it."""
    if isinstance(part, Step):
        return Place(
            "step", above=above, name=part.kwargs["name"], takes="before" in part.takes
        )
    kind = "chain" if isinstance(part, Chain) else "group"
    place = Place(kind, above=above, may_fail=getattr(part, "may_fail", False))
    place.children = [place_of(child, place) for child in part.parts]
    return place


class Model:
    """One workflow, with the callbacks `good` and `bad`."""

    def __init__(self, body: Part, on_failure: str) -> None:
        self.root = place_of(body)
        self.steps = {one.name: one for one in self.root.walk() if one.kind == "step"}
        self.on_failure = on_failure
        self.state = "running"
        self.is_cancel_requested = False
        self.callbacks: Counter[str] = Counter()
        #: Steps whose tasks have ended, until the end is followed.
        self.unseen: list[str] = []
        self.begin(self.root)
        self.advance()

    # --- what happens to tasks ------------------------------------------------------

    def end(self, name: str, state: str) -> None:
        self.steps[name].task = state
        self.unseen.append(name)

    def follow(self) -> None:
        self.see([self.steps[name] for name in self.unseen])
        self.unseen.clear()

    def see(self, steps: list[Place]) -> None:
        """Steps that ended: told together, they are seen together."""
        ended = [
            one
            for one in steps
            if one.state == "running" and one.task in ("succeeded", *BAD)
        ]
        for step in ended:
            step.state = step.task
        is_missed = any(
            step.state in BAD and not any(one.may_fail for one in step.up())
            for step in ended
        )
        if is_missed and self.on_failure == "cancel" and self.state == "running":
            self.stop()
        self.advance()

    # --- what people do ----------------------------------------------------------------

    def cancel(self) -> None:
        if self.state in UNFINISHED:
            self.is_cancel_requested = True
            self.stop()
            self.advance()

    def retry(self) -> None:
        self.reopen()
        self.begin(self.root)
        self.advance()

    def retry_step(self, step: Place) -> bool:
        """Return False when that can't be."""
        if self.state == "stopping":
            return False
        if self.state == "failed" and self.on_failure == "cancel":
            self.retry()
        self.begin(step)
        if self.state == "cancelled":
            return True
        for one in step.up():
            if one.state not in BAD:
                return True
            one.state = "running"
        if self.state == "failed":
            self.reopen()
        return True

    def reopen(self) -> None:
        self.state = "running"
        self.is_cancel_requested = False

    # --- what follows ----------------------------------------------------------------

    def stop(self) -> None:
        self.state = "stopping"
        for step in self.steps.values():
            if step.state == "running" and step.task == "queued":
                step.task = step.state = "cancelled"
                self.unseen.append(step.name)

    def begin(self, node: Place) -> None:
        if node.kind == "step":
            if node.state in ("waiting", *BAD):
                if not node.task and node.takes:
                    node.before = self.result(self.forerunner(node))
                node.state, node.task = "running", "queued"
            return
        undone = [one for one in node.children if one.state != "succeeded"]
        node.state = "running" if undone else "succeeded"
        for child in undone if node.kind == "group" else undone[:1]:
            self.begin(child)

    def advance(self) -> None:
        while self.settle(self.root):
            pass
        if self.state not in UNFINISHED or self.root.state in ("waiting", "running"):
            return
        if self.root.state == "succeeded":
            self.state = "succeeded"
        elif self.is_cancel_requested:
            self.state = "cancelled"
        else:
            self.state = self.root.state
        self.callbacks["good" if self.state == "succeeded" else "bad"] += 1

    def settle(self, node: Place) -> bool:
        """Return whether something changed."""
        changed = [self.settle(child) for child in node.children]
        if node.kind == "step" or node.state != "running":
            return any(changed)
        states = [child.state for child in node.children]
        if node.kind == "group":
            if not {"waiting", "running"} & set(states):
                node.state = self.group_state(node, states)
                return True
            return any(changed)
        begun = [state for state in states if state != "waiting"]
        if not begun or begun[-1] == "running":
            return any(changed)
        if begun[-1] in BAD:
            node.state = begun[-1]
        elif len(begun) == len(states):
            node.state = "succeeded"
        elif self.state == "stopping":
            node.state = "cancelled"
        else:
            self.begin(node.children[len(begun)])
        return True

    def group_state(self, node: Place, states: list[str]) -> str:
        if node.may_fail:
            is_stopped = self.state == "stopping" and "cancelled" in states
            return "cancelled" if is_stopped else "succeeded"
        return next((bad for bad in BAD if bad in states), "succeeded")

    # --- results ---------------------------------------------------------------------

    def forerunner(self, node: Place) -> Place:
        above = node.above
        assert above is not None
        place = above.children.index(node)
        if above.kind == "chain" and place:
            return above.children[place - 1]
        return self.forerunner(above)

    def result(self, node: Place) -> Any:
        if node.state != "succeeded":
            return None
        if node.kind == "step":
            return node.name.upper()
        results = [self.result(child) for child in node.children]
        return results if node.kind == "group" else (results or [None])[-1]
