"""The benchmarks of `tasks`: what is measured, beside whom, and what is promised.

Rounds are interleaved (ours, one peer, the next, ours, ...), so that whatever else the
machine does falls on everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.driving import PeerProcess
from tests.bench.measuring import Comparison, Series, Target, percentile
from tests.bench.servers import Servers

OURS, PLAIN, CELERY = "FlipTech Pro", "plain Dramatiq", "Celery + Redis"
#: Ours again, filled with a long history.
AT_SCALE = "FlipTech Pro at scale"
BULK = 10_000
#: Waits measured per round.
WAITS = 150
#: Celery is slow enough to be timed on a part of the backlog.
CELERY_PART = 5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    backlog: int = 5000
    rounds: int = 3
    history: int = 1_000_000
    #: Mails that are marked, or queued, in one commit.
    together: int = 100

    @property
    def singles(self) -> int:
        """Tasks that are enqueued one by one in a round."""
        return max(self.backlog // 5, 50)


@contextmanager
def peer_processes(
    servers: Servers, folder: Path, names: Collection[str]
) -> Iterator[dict[str, PeerProcess]]:
    """Start a process for each of the peers named."""
    ours = {
        "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
        "EXTRA_ACTOR_MODULES": "tests.bench.our_actors",
        "SECRET_KEY": "of-no-use-outside-of-this-run-" * 3,
        "DATABASE_URL": servers.our_database_url,
        "RABBITMQ_URL": servers.rabbitmq_url,
        "RABBITMQ_QUEUE_PREFIX": "bench.",
        "VAR_DIR": str(folder / "var"),
        "LOG_LEVEL": "WARNING",
    }
    plain = {"BENCH_RABBITMQ_URL": servers.rabbitmq_url}
    celery = {
        "BENCH_POSTGRES_URL": servers.celery_database_url,
        "BENCH_REDIS_URL": servers.redis_url,
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(PeerProcess(module, environment, folder / place))
            for name, module, environment, place in (
                (OURS, "tests.bench.ours", ours, "ours"),
                (PLAIN, "tests.bench.plain_dramatiq", plain, "plain"),
                (CELERY, "tests.bench.celery_peer", celery, "celery"),
                (AT_SCALE, "tests.bench.ours_at_scale", ours, "scale"),
            )
            if name in names
        }


def compare(
    peers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> list[Comparison]:
    """Run every benchmark; `say` is told what is going on."""
    for peer in peers.values():
        # Connections, plans and caches; workers are new in every round anyway.
        peer.call("enqueue", count=200)
        peer.call("enqueue_in_bulk", count=200)
    return [
        _enqueue_singly(peers, sizes, say),
        _enqueue_in_bulk(peers, sizes, say),
        _work_off(peers, sizes, say),
        *_wait_at_idle(peers, sizes, say),
    ]


def _enqueue_singly(
    peers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> Comparison:
    count = sizes.singles

    def measure(name: str) -> float:
        return count / float(peers[name].call("enqueue", count=count))

    rounds = measured_rounds("enqueue one by one", peers, sizes, say, measure)
    return Comparison(
        "enqueue one by one",
        "tasks/s",
        rounds[OURS],
        (rounds[PLAIN], rounds[CELERY]),
        (Target(1.0, "at least", PLAIN),),
        "ours: until committed in PostgreSQL and confirmed by RabbitMQ; Dramatiq:"
        " confirmed by RabbitMQ; Celery: in Redis, not on disk",
    )


def _enqueue_in_bulk(
    peers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> Comparison:
    def measure(name: str) -> float:
        count = BULK if name == OURS else sizes.singles
        return count / float(peers[name].call("enqueue_in_bulk", count=count))

    rounds = measured_rounds("enqueue in bulk", peers, sizes, say, measure)
    return Comparison(
        f"enqueue {BULK:,} in bulk",
        "tasks/s",
        rounds[OURS],
        (rounds[PLAIN], rounds[CELERY]),
        (Target(5.0, "at least", PLAIN),),
        "the peers have no bulk: their one-by-one rate, measured in the same rounds",
    )


def _work_off(peers: Mapping[str, PeerProcess], sizes: Sizes, say: Say) -> Comparison:
    part = max(sizes.backlog // CELERY_PART, 50)
    pools = {
        pool: part / 2 / peers[CELERY].call("work_off", count=part // 2, pool=pool)
        for pool in ("prefork", "threads")
    }
    pool = max(pools, key=pools.__getitem__)
    tried = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in pools.items())
    say(f"Celery's pools: {tried}; measured with {pool}.")

    def measure(name: str) -> float:
        count = part if name == CELERY else sizes.backlog
        return count / float(peers[name].call("work_off", count=count, pool=pool))

    rounds = measured_rounds("no-op throughput", peers, sizes, say, measure)
    return Comparison(
        "no-op throughput",
        "tasks/s",
        rounds[OURS],
        (rounds[PLAIN], rounds[CELERY]),
        (Target(0.5, "at least", PLAIN), Target(6.0, "at least", CELERY)),
        "one process of 8 threads (ours: every run claimed and recorded; Dramatiq: no"
        f" records); Celery with django-celery-results and its better pool, {pool},"
        f" of 8 ({tried} in a trial)",
    )


def _wait_at_idle(
    peers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> list[Comparison]:
    waits: dict[str, list[list[float]]] = {OURS: [], PLAIN: []}

    def measure(name: str) -> float:
        measured = peers[name].call("latencies", count=WAITS + 20)[20:]
        waits[name].append([seconds * 1000 for seconds in measured])
        return percentile(waits[name][-1], 50)

    measured_rounds("enqueue to start", dict.fromkeys(waits), sizes, say, measure)
    comparisons = []
    for percent, limit in ((50, 10.0), (99, 50.0)):
        ours, plain = (
            Series(name, tuple(percentile(one, percent) for one in waits[name]))
            for name in (OURS, PLAIN)
        )
        comparisons.append(
            Comparison(
                f"enqueue to start, p{percent}",
                "ms",
                ours,
                (plain,),
                (Target(limit, "under"),),
                f"of {WAITS} tasks in each round, one at a time to an idle worker",
            )
        )
    return comparisons


def measured_rounds(
    title: str,
    peers: Mapping[str, object],
    sizes: Sizes,
    say: Say,
    measure: Callable[[str], float],
) -> dict[str, Series]:
    """Measure everybody once in each round."""
    values: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(1, sizes.rounds + 1):
        for name, measured in values.items():
            measured.append(measure(name))
            told = f"{name} {measured[-1]:,.1f}"
            say(f"{title}, round {number} of {sizes.rounds}: {told}")
    return {name: Series(name, tuple(measured)) for name, measured in values.items()}
