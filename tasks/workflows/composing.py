"""Say what a workflow is: steps, chains and groups, checked where they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fliptech_site.errors import InvalidInput
from tasks.declaring import check_arguments, find_actor
from tasks.enqueueing import check_json, check_priority

#: Chains and groups inside each other. People lose their way long before.
MAX_DEPTH = 20
#: Steps of one workflow. Their rows are written in one transaction.
MAX_STEPS = 100_000


class Taken(Enum):
    """What a step's argument is filled with when the step begins."""

    #: The result of what comes before: of a task, of a chain's last step, or a list
    #: of the results of a group's children in their order.
    RESULT = "result"
    #: How the workflow ended, for the steps that run after it; see `start`.
    OUTCOME = "outcome"


RESULT = Taken.RESULT
OUTCOME = Taken.OUTCOME


@dataclass(frozen=True, slots=True)
class Step:
    """One task to be: an actor and its arguments."""

    actor: str
    kwargs: dict[str, Any]
    takes: dict[str, Taken]
    priority: int | None = None
    depth: int = 0
    steps: int = 1

    def at_entry(self) -> Iterator[Step]:
        """Yield the steps that begin first."""
        yield self

    def walk(self) -> Iterator[Step]:
        """Yield all steps."""
        yield self


@dataclass(frozen=True, slots=True)
class Several:
    """Parts one after the other, or side by side."""

    parts: tuple[Part, ...]
    depth: int = field(init=False)
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what is nested too deeply or too large."""
        depth = 1 + max((part.depth for part in self.parts), default=0)
        steps = sum(part.steps for part in self.parts)
        if depth > MAX_DEPTH:
            raise InvalidInput(
                f"Chains and groups are nested {depth} deep: use at most {MAX_DEPTH}."
            )
        if steps > MAX_STEPS:
            raise InvalidInput(
                f"A workflow of {steps:,} steps is too large: use at most"
                f" {MAX_STEPS:,}, or let a step start another workflow."
            )
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "steps", steps)

    def walk(self) -> Iterator[Step]:
        """Yield all steps."""
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True)
class Chain(Several):
    """Parts that run one after the other."""

    def at_entry(self) -> Iterator[Step]:
        """Yield the steps that begin first."""
        for part in self.parts[:1]:
            yield from part.at_entry()


@dataclass(frozen=True, slots=True)
class Group(Several):
    """Parts that run side by side."""

    may_fail: bool = False

    def at_entry(self) -> Iterator[Step]:
        """Yield the steps that begin first."""
        for part in self.parts:
            yield from part.at_entry()


#: What a chain or group is made of.
Part = Step | Chain | Group


def step(actor_name: str, /, *, priority: int | None = None, **kwargs: Any) -> Step:
    """Return a step: one task of an actor, with arguments as `enqueue` takes them.

    An argument may be `RESULT`: it gets the result of what comes before the step. In
    a group each child gets the result of what comes before the group. `priority` is 0
    to 10, otherwise the workflow's. Raises InvalidInput for an unknown actor or
    arguments that it does not take.
    """
    declared = find_actor(actor_name)
    check_arguments(declared, (), kwargs)
    takes = {name: value for name, value in kwargs.items() if isinstance(value, Taken)}
    given = {name: value for name, value in kwargs.items() if name not in takes}
    check_json(declared, given)
    if priority is not None:
        check_priority(priority)
    return Step(actor_name, given, takes, priority)


def chain(*parts: Part | Iterable[Part]) -> Chain:
    """Return parts that run one after the other, given singly or as iterables.

    Its result is that of the last one; an empty chain's is None. A chain inside a chain
    is the same as its parts in its place.
    """
    flat: list[Part] = []
    for part in _spread(parts, "chain"):
        flat.extend(part.parts if isinstance(part, Chain) else [part])
    return Chain(tuple(flat))


def group(*parts: Part | Iterable[Part], may_fail: bool = False) -> Group:
    """Return parts that run side by side, given singly or as iterables.

    Its result is the list of their results, in their order. With `may_fail` it succeeds
    when all are at rest, with None for the result of each that failed or was cancelled;
    their failures then stop nothing.
    """
    return Group(tuple(_spread(parts, "group")), may_fail=may_fail)


def check_whole(body: Part, then: Step | None, otherwise: Step | None) -> None:
    """Raise InvalidInput when a step takes what it can't be given at its place."""
    for one in body.at_entry():
        _refuse(one, RESULT, "nothing comes before it")
    for one in body.walk():
        _refuse(one, OUTCOME, "only what runs after the workflow knows how it ended")
    if otherwise is not None:
        _refuse(otherwise, RESULT, "a workflow that did not succeed has no result")
    for role, after in (("then", then), ("otherwise", otherwise)):
        if after is not None and not isinstance(after, Step):
            raise InvalidInput(f"`{role}` has to be one step, not a chain or group.")


def _refuse(one: Step, taken: Taken, why: str) -> None:
    for name, value in one.takes.items():
        if value is taken:
            raise InvalidInput(f"{one.actor} can't take {taken.name} as {name}: {why}.")


def _spread(parts: Sequence[Any], kind: str) -> Iterator[Any]:
    for given in parts:
        members = [given] if isinstance(given, Step | Several) else given
        if not isinstance(members, Iterable):
            raise InvalidInput(_not_a_part(kind, members))
        for member in members:
            if not isinstance(member, Step | Several):
                raise InvalidInput(_not_a_part(kind, member))
            yield member


def _not_a_part(kind: str, given: object) -> str:
    return f"A {kind} is made of steps, chains and groups, not of {given!r}."
