"""The benchmarks of mail: sends beside a bare loop and two queues, launches, paces."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.comparing import OURS, Say, Sizes, measured_rounds
from tests.bench.driving import PeerProcess
from tests.bench.measuring import Comparison, Series, Target
from tests.bench.servers import Servers

BARE, OFFICE, MAILER = "bare smtplib", "django-post_office", "django-mailer"
TWO_WORKERS = f"{OURS}, two workers"
WITH_LAUNCH = "the same, launch included"
BULK, BULK_BY_TWO = "post_office, send_many", "send_many, two processes"
#: Connections of everybody; django-mailer has one only.
CONNECTIONS = 4
#: Mails that go together by default: post_office's own batch, which is as many in doubt.
TOGETHER = 100
LAUNCHED = 100_000
#: What can be measured alone.
MAIL_PARTS = ("sends", "launch", "pace")
#: The pace that is kept, how long it is watched, and over how many workers.
PER_MINUTE, WATCHED_SECONDS, WORKERS = 50, 125.0, 3


@contextmanager
def mail_processes(
    servers: Servers, folder: Path, port: int, together: int = TOGETHER
) -> Iterator[dict[str, PeerProcess]]:
    """Start a process for ours, for the bare loop and for both queues."""
    ours = {
        "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
        "SECRET_KEY": "of-no-use-outside-of-this-run-" * 3,
        "DATABASE_URL": servers.our_database_url,
        "RABBITMQ_URL": servers.rabbitmq_url,
        "RABBITMQ_QUEUE_PREFIX": "bench.",
        "VAR_DIR": str(folder / "var"),
        "LOG_LEVEL": "WARNING",
        "TEST_MODE": "on",
    }
    peers = ours | {
        "DJANGO_SETTINGS_MODULE": "tests.bench.mail_peers_settings",
        "DATABASE_URL": servers.celery_database_url,
        "BENCH_SMTP_PORT": str(port),
        "BENCH_CONNECTIONS": str(CONNECTIONS),
        "BENCH_TOGETHER": str(together),
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(PeerProcess(module, environment, folder / place))
            for name, module, environment, place in (
                (OURS, "tests.bench.our_mail", ours, "ours"),
                (BARE, "tests.bench.bare_smtp", ours, "bare"),
                ("queues", "tests.bench.mail_peers", peers, "queues"),
            )
        }


def compare_mail(
    peers: Mapping[str, PeerProcess],
    sizes: Sizes,
    port: int,
    say: Say,
    parts: Collection[str] = MAIL_PARTS,
) -> list[Comparison]:
    """Run the parts that are named; `say` is told what is going on."""
    measure: dict[str, Callable[[], Iterator[Comparison]]] = {
        "sends": lambda: _sends(peers, sizes, port, say),
        "launch": lambda: _launch(peers[OURS], sizes, say),
        "pace": lambda: _pace(peers[OURS], port, say),
    }
    return [one for part in parts for one in measure[part]()]


def _sends(
    peers: Mapping[str, PeerProcess], sizes: Sizes, port: int, say: Say
) -> Iterator[Comparison]:
    count = sizes.backlog

    def ours(workers: int, method: str = "send") -> float:
        sizes_of_ours = {"connections": CONNECTIONS, "window": sizes.together}
        told = peers[OURS].call(
            method, count=count, port=port, workers=workers, **sizes_of_ours
        )
        return float(told)

    def bare() -> float:
        told = peers[BARE].call("send", count=count, port=port, threads=CONNECTIONS)
        return count / float(told)

    def queue(method: str, **arguments: int) -> float:
        told = peers["queues"].call(method, count=count, **arguments)
        say(f"{method} {arguments or ''}: {told}")
        return count / float(told["queueing"] + told["sending"])

    measures: dict[str, Callable[[], float]] = {
        OURS: lambda: ours(workers=1),
        BARE: bare,
        TWO_WORKERS: lambda: ours(workers=2),
        WITH_LAUNCH: lambda: ours(workers=2, method="launch_and_send"),
        OFFICE: lambda: queue("post_office"),
        BULK: lambda: queue("post_office", processes=1),
        BULK_BY_TWO: lambda: queue("post_office", processes=2),
        MAILER: lambda: queue("mailer"),
    }
    rounds = measured_rounds(
        "sends", measures, sizes, say, lambda name: measures[name]()
    )
    yield Comparison(
        f"{count:,} rendered, tracked, two-phase sends",
        "mails/s",
        rounds[OURS],
        (rounds[BARE],),
        (Target(0.6, "at least", BARE),),
        f"{CONNECTIONS} connections in one process each; ours: {sizes.together} mails go"
        " together; the bare loop renders, builds and sends, and keeps no records",
    )
    yield Comparison(
        "the same beside queues",
        "mails/s",
        rounds[TWO_WORKERS],
        tuple(
            rounds[name] for name in (WITH_LAUNCH, OFFICE, BULK, BULK_BY_TWO, MAILER)
        ),
        (
            Target(3.0, "at least", OFFICE),
            Target(3.0, "at least", BULK),
            Target(3.0, "at least", BULK_BY_TWO),
            Target(3.0, "at least", MAILER),
        ),
        "everybody as its documentation begins: `manage.py workers`, which are two"
        " processes; `mail.send` and `send_queued_mail`; `send_mail`. They are given"
        " mails that our code rendered, and queue, build and send them over as many"
        f" connections (django-mailer: one); post_office in batches of {sizes.together}",
    )


def _launch(ours: PeerProcess, sizes: Sizes, say: Say) -> Iterator[Comparison]:
    told = [ours.call("launch", count=LAUNCHED) for _ in range(sizes.rounds)]
    say(f"launches: {told}")
    yield Comparison(
        f"launch to {LAUNCHED:,} recipients",
        "s",
        Series(OURS, tuple(float(one["seconds"]) for one in told)),
        (),
        (Target(15.0, "under"),),
        "each with its recipient and its mail as rows, until the sending is enqueued",
    )
    yield Comparison(
        f"memory of the launch to {LAUNCHED:,}",
        "MB",
        Series(OURS, (max(float(one["peak"]) for one in told),)),
        (),
        (Target(150.0, "under"),),
        "the most that a process which launches and does nothing else ever held",
    )


def _pace(ours: PeerProcess, port: int, say: Say) -> Iterator[Comparison]:
    told = ours.call(
        "keep_pace",
        port=port,
        per_minute=PER_MINUTE,
        seconds=WATCHED_SECONDS,
        workers=WORKERS,
    )
    say(f"pace: {told}")
    yield Comparison(
        f"{PER_MINUTE} a minute over {WORKERS} workers, share kept",
        "of the limit",
        Series(OURS, (float(told["share"]),)),
        (),
        (Target(0.98, "at least"),),
        f"{told['mails']:,.0f} mails in {WATCHED_SECONDS:.0f} s",
    )
    yield Comparison(
        f"{PER_MINUTE} a minute over {WORKERS} workers, fullest 60 s",
        "mails",
        Series(OURS, (float(told["fullest"]),)),
        (),
        (Target(PER_MINUTE + 0.5, "under"),),
        "of all windows of 60 seconds",
    )
