"""The account of a soak: what was asked for, what became of it, to the last task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.faults.ground import Ground

#: Kind of work -> what is promised of its effect: exactly one, at least one, or none.
EXACTLY_ONE, AT_LEAST_ONE, NONE = "1", "1 or more", "0"

_TASKS = """
SELECT kwargs->>'name', id::text, state, attempt, rescues FROM tasks_task
WHERE kwargs ? 'name'
"""


@dataclass(slots=True)
class Line:
    """The account of one kind of work."""

    promise: str
    tasks: int = 0
    runs: int = 0
    effects: int = 0
    rescues: int = 0
    #: Names of tasks that were acknowledged to the sender and left no row.
    lost: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    #: Names whose state or number of effects breaks the promise.
    broken: list[str] = field(default_factory=list)
    doubled: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """All lines, and what the soak has struck."""

    seed: int
    lines: dict[str, Line]
    strikes: Counter[str]
    seconds: float
    quiet_after: float

    @property
    def faults(self) -> list[str]:
        """Everything that breaks a promise."""
        return [
            f"{kind} {fault}: {', '.join(names[:5])}"
            for kind, line in self.lines.items()
            for fault, names in (
                ("lost", line.lost),
                ("unfinished", line.unfinished),
                ("broken", line.broken),
            )
            if names
        ]

    def __str__(self) -> str:
        head = "kind promise tasks runs effects rescues lost doubled unfinished broken"
        rows = [head.split()]
        for kind, line in sorted(self.lines.items()):
            numbers = (line.tasks, line.runs, line.effects, line.rescues)
            rest = (line.lost, line.unfinished, line.broken)
            lost, unfinished, broken = map(len, rest)
            rows.append(
                [kind, line.promise]
                + [str(n) for n in (*numbers, lost, line.doubled, unfinished, broken)]
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = [
            "  ".join(
                cell.rjust(width) for cell, width in zip(row, widths, strict=True)
            )
            for row in rows
        ]
        strikes = ", ".join(f"{kind} {n}" for kind, n in sorted(self.strikes.items()))
        return "\n".join(
            [
                f"seed {self.seed}, {self.seconds:.0f} s of strikes: {strikes}",
                f"quiet {self.quiet_after:.1f} s after the last one",
                *table,
                *self.faults,
            ]
        )


def settle(
    ground: Ground, promises: dict[str, str], acknowledged: Iterable[str]
) -> dict[str, Line]:
    """Return a line for each kind; a task's name begins with its kind and a blank.

    `acknowledged` are the names whose enqueueing has returned to the sender.
    """
    lines = {kind: Line(promise) for kind, promise in promises.items()}
    effects = Counter(name for (name,) in ground.rows("SELECT name FROM effect"))
    known = set()
    for name, _, state, runs, rescues in ground.rows(_TASKS):
        line = lines[name.split()[0]]
        known.add(name)
        line.tasks += 1
        line.runs += runs
        line.rescues += rescues
        line.effects += effects[name]
        line.doubled += effects[name] > 1
        if state in {"scheduled", "queued", "running"}:
            line.unfinished.append(name)
        elif not _is_kept(line.promise, state, effects[name]):
            line.broken.append(f"{name} ({state}, {effects[name]} effects)")
    for name in acknowledged:
        if name not in known:
            lines[name.split()[0]].lost.append(name)
    for name in effects.keys() - known:
        lines[name.split()[0]].broken.append(f"{name} (an effect without a task)")
    return lines


def _is_kept(promise: str, state: str, effects: int) -> bool:
    if promise == NONE:
        return state == "failed" and effects == 0
    if state != "succeeded":
        return False
    return effects == 1 if promise == EXACTLY_ONE else effects >= 1
