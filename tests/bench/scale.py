"""The benchmarks of size: tasks due tomorrow, a long history, an idle worker."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.comparing import AT_SCALE, OURS, PLAIN, Say, Sizes
from tests.bench.driving import PeerProcess
from tests.bench.measuring import Comparison, Series, Target

DELAYED = 100_000
#: More than plain Dramatiq's worker takes into its memory: 1,000 for each thread.
PLAIN_DELAYED = 20_000
#: Calls of each statement or page in a round.
CALLS = 5
#: Each kind of reading, and milliseconds that none of it may take.
KINDS: Mapping[str, float | None] = {
    "claims and ends": 50,
    "what the scheduler asks": 50,
    "task list": 50,
    "admin's list of tasks": 50,
    "other pages": 50,
    "upkeep": None,
}
FRESH = "before ANALYZE"


def compare_at_scale(
    peers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> list[Comparison]:
    """Run them; `say` is told what is going on."""
    return [
        _idle_memory(peers, say),
        *_delays(peers, say),
        *_history(peers[AT_SCALE], sizes, say),
    ]


def _idle_memory(peers: Mapping[str, PeerProcess], say: Say) -> Comparison:
    ours, plain = (float(peers[name].call("idle_memory")) for name in (AT_SCALE, PLAIN))
    say(f"An idle worker holds {ours:.0f} MB, plain Dramatiq's {plain:.0f} MB.")
    return Comparison(
        "idle worker",
        "MB",
        Series(OURS, (ours,)),
        (Series(PLAIN, (plain,)),),
        (Target(100.0, "under"),),
        "resident after 10 s of nothing; all queues, 8 threads, Django and all actors;"
        " Dramatiq: two actors and no Django",
    )


def _delays(peers: Mapping[str, PeerProcess], say: Say) -> list[Comparison]:
    late, grown, alone = {}, {}, {}
    for name, count in ((AT_SCALE, DELAYED), (PLAIN, PLAIN_DELAYED)):
        empty = peers[name].call("delayed", count=0)
        full = peers[name].call("delayed", count=count)
        alone[name], late[name] = empty["late_ms"], full["late_ms"]
        grown[name] = full["memory"] - empty["memory"]
        say(
            f"{name}: {late[name]:.0f} ms late behind {count:,} of tomorrow, alone"
            f" {alone[name]:.0f} ms; they cost its worker {grown[name]:.1f} MB."
        )
    return [
        Comparison(
            f"due in 1 s behind {DELAYED:,} of tomorrow",
            "ms late",
            Series(OURS, (late[AT_SCALE],)),
            (Series(PLAIN, (late[PLAIN],)),),
            (Target(1000.0, "under"),),
            f"median of three; alone {alone[AT_SCALE]:.0f} ms. Dramatiq: behind"
            f" {PLAIN_DELAYED:,}, given up after 10 s, alone {alone[PLAIN]:.0f} ms",
        ),
        Comparison(
            "the worker's memory for those of tomorrow",
            "MB",
            Series(OURS, (grown[AT_SCALE],)),
            (Series(PLAIN, (grown[PLAIN],)),),
            (Target(3.0, "under"),),
            "beside a worker of an empty queue; two of them differ by up to 2 MB",
        ),
    ]


def _history(ours: PeerProcess, sizes: Sizes, say: Say) -> list[Comparison]:
    seconds = ours.call("fill", count=sizes.history)
    say(f"{sizes.history:,} finished tasks were made in {seconds:.0f} s.")
    fresh = _read(ours, sizes, say, FRESH)
    ours.call("analyse")
    analysed = _read(ours, sizes, say, "analysed")
    return [
        Comparison(
            f"{sizes.history:,} finished: {kind}",
            "ms",
            Series(OURS, tuple(_slowest(one) for one in analysed[kind])),
            (Series(FRESH, tuple(_slowest(one) for one in fresh[kind])),),
            () if limit is None else (Target(limit, "under"),),
            "the slowest of: " + _told(analysed[kind]),
        )
        for kind, limit in KINDS.items()
    ]


#: For each kind a mapping per round: what was called -> the median of its calls.
Rounds = dict[str, list[dict[str, float]]]


def _read(ours: PeerProcess, sizes: Sizes, say: Say, told: str) -> Rounds:
    rounds: Rounds = {kind: [] for kind in KINDS}
    for number in range(1, sizes.rounds + 1):
        measured = ours.call("read", calls=CALLS)
        for kind in KINDS:
            rounds[kind].append(measured[kind])
        slowest = {kind: round(_slowest(measured[kind])) for kind in KINDS}
        say(f"history, {told}, round {number} of {sizes.rounds}, ms: {slowest}")
    return rounds


def _slowest(calls: Mapping[str, float]) -> float:
    return max(calls.values())


def _told(rounds: list[dict[str, float]]) -> str:
    middle = {
        name: sorted(one[name] for one in rounds)[len(rounds) // 2]
        for name in rounds[0]
    }
    return ", ".join(f"{name} {value:.1f}" for name, value in middle.items())
