"""Requests per CPU second and the growth of lists: Batchyard beside Django REST framework on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.drf.environment import ensure
from tests.benchmarks.drf.postgres import Cluster
from tests.benchmarks.drf.server import Server
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.load import (
    CONTENT_TYPES,
    FIRST_PAGES,
    LARGE,
    OBJECTS_IN_LISTS,
    PAGE_SIZE,
    SMALL,
    STATUSES,
    Call,
    play,
    steps,
)
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.store_cost import growth
from tests.benchmarks.worker import Worker
from tests.benchmarks.world import CHANNEL, stores

SIZE = 100
ROUNDS = 4
LIVES_A_ROUND = 50
DJANGO_CHANNEL = 1
PAGES_TIMED = 10

Clock = Callable[[], tuple[float, ...]]


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request."""

    batchyard: float
    django: float
    postgres: float

    @property
    def both(self) -> float:
        return self.django + self.postgres

    def row(self, name: str) -> list[str]:
        return [
            name,
            number(self.batchyard, 2),
            number(self.django, 2),
            number(self.postgres, 2),
            number(1000 / self.batchyard, 0),
            number(1000 / self.both, 0),
            ratio(self.both / self.batchyard),
            ratio(self.django / self.batchyard),
        ]


@dataclass(frozen=True)
class Pages:
    """Of each kind of page: CPU milliseconds of Django and PostgreSQL, and the blocks that PostgreSQL looked at."""

    cpu: dict[str, float]
    blocks: dict[str, int]


@contextmanager
def django() -> Iterator[tuple[Server, Cluster]]:
    venv = ensure()
    with Cluster() as cluster, Server(venv, cluster) as server:
        yield server, cluster


@contextmanager
def batchyard() -> Iterator[Worker]:
    with DynamoDBLocal() as engine, stores(engine.endpoint), Worker(dict(os.environ)) as worker:
        yield worker


def spent(call: Call, channel: int, lives: int, clock: Clock) -> dict[str, tuple[float, ...]]:
    """CPU seconds that each kind of request took, all of them together."""
    found = {}
    before = clock()
    for step in play(call, channel, SIZE, lives):
        after = clock()
        found[step.name] = tuple(end - start for start, end in zip(before, after, strict=True))
        before = after
    return found


def requests(worker: Worker, server: Server, cluster: Cluster) -> dict[str, Cost]:
    """What one request of each kind costs: the two sides in turn, after some lives to warm up."""

    def a_round(lives: int) -> dict[str, tuple[float, ...]]:
        ours = spent(worker.call, CHANNEL, lives, lambda: (worker.cpu_seconds(),))
        theirs = spent(server.call, DJANGO_CHANNEL, lives, lambda: (server.cpu_seconds(), cluster.cpu_seconds()))
        return {name: (*ours[name], *theirs[name]) for name in ours}

    a_round(10)
    rounds = [a_round(LIVES_A_ROUND) for _ in range(ROUNDS)]
    made = {step.name: ROUNDS * round(LIVES_A_ROUND * step.share) for step in steps(SIZE)}
    return {
        name: Cost(*(1000 * sum(part) / count for part in zip(*(one[name] for one in rounds), strict=True)))
        for name, count in made.items()
    }


def life(costs: dict[str, Cost]) -> Cost:
    """What a batch request costs from its opening to its end, with the lists that come with it."""
    shares = {step.name: step.share for step in steps(SIZE)}
    return Cost(
        *(
            sum(shares[name] * getattr(cost, part) for name, cost in costs.items())
            for part in ("batchyard", "django", "postgres")
        )
    )


def fill(cluster: Cluster, first: int, last: int) -> None:
    """Batch requests number `first` to `last` of the channel, with their objects."""

    def pick(values: list[str], position: str) -> str:
        return f"(ARRAY[{', '.join(map(repr, values))}])[1 + {position} % {len(values)}]"

    cluster.sql(f"""
        INSERT INTO service_batchrequest
            (id, channel_id, local_batch_id, remote_batch_id, content_type, status, created_date, modified_date)
        SELECT 1000000 + n, {DJANGO_CHANNEL}, gen_random_uuid(), 'remote-' || n,
            {pick(CONTENT_TYPES, f"n / {len(STATUSES)}")}, {pick(STATUSES, "n")},
            timestamptz '2026-01-01Z' + n * interval '1 second', timestamptz '2026-02-01Z' + n * interval '1 second'
        FROM generate_series({first}, {last}) n;
        INSERT INTO service_batchrequestobject
            (batch_request_id, object_pk, content_type, failed_reason_type, remote_id, version_date)
        SELECT 1000000 + n, 1000000 + 7 * m, 'product', NULL, 'ITEM-' || (n * 100 + m), '2026-11-22T02:50:19.114587Z'
        FROM generate_series({first}, {last}) n, generate_series(1, {OBJECTS_IN_LISTS}) m;
    """)
    cluster.sql("VACUUM ANALYZE")
    cluster.sql("CHECKPOINT")


def pages(server: Server, cluster: Cluster, rows: int) -> Pages:
    targets = {page.name: page.target(DJANGO_CHANNEL) for page in FIRST_PAGES}
    targets[f"{FIRST_PAGES[0].name}: last page"] = FIRST_PAGES[0].target(DJANGO_CHANNEL, rows // PAGE_SIZE)
    found = Pages({}, {})
    for name, target in targets.items():
        server.call("GET", target)
        before = server.cpu_seconds() + cluster.cpu_seconds()
        for _ in range(PAGES_TIMED):
            server.call("GET", target)
        found.cpu[name] = 1000 * (server.cpu_seconds() + cluster.cpu_seconds() - before) / PAGES_TIMED
    cluster.track_blocks(True)
    for name, target in targets.items():
        start = cluster.blocks()
        answer = server.call("GET", target)
        found.blocks[name] = cluster.blocks() - start
        if len(answer["results"]) != PAGE_SIZE:
            raise RuntimeError(f"{target} answered {len(answer['results'])} batch requests")
    cluster.track_blocks(False)
    return found


def run() -> list[Result]:
    with django() as (server, cluster):
        with batchyard() as worker:
            costs = requests(worker, server, cluster)
        cluster.sql("TRUNCATE service_batchrequest, service_batchrequestobject")
        fill(cluster, 1, SMALL)
        small = pages(server, cluster, SMALL)
        fill(cluster, SMALL + 1, LARGE)
        large = pages(server, cluster, LARGE)
    return [_requests(costs), _growth(small, large)]


def _requests(costs: dict[str, Cost]) -> Result:
    whole = life(costs)
    per_life = sum(step.share for step in steps(SIZE))
    return Result(
        "CPU of one request: Batchyard, and Django REST framework on PostgreSQL",
        [
            "request",
            "Batchyard, ms",
            "Django, ms",
            "PostgreSQL, ms",
            "Batchyard/CPU s",
            "Django + PostgreSQL/CPU s",
            "ratio",
            "ratio to Django alone",
        ],
        [*(cost.row(name) for name, cost in costs.items()), whole.row("a whole life of these")],
        notes=[
            "Batchyard: the process of the functions, with botocore and its HTTP to DynamoDB Local. Django: gunicorn"
            " with one sync worker; PostgreSQL: all its processes. Neither side has TLS. Not counted are DynamoDB and"
            " API Gateway, which others run and charge by use, the authorizer (once a minute and token) and the"
            " functions behind the change stream. Django here does without request limits, idempotency keys, ETags and"
            " events, which Batchyard has.",
        ],
        lines=[
            Line(
                f"Requests per CPU second, mixed as in a batch request's life ({SIZE} objects)",
                number(1000 * per_life / whole.batchyard, 0),
                f"{number(1000 * per_life / whole.both, 0)}, Django REST framework + PostgreSQL",
                ratio(whole.both / whole.batchyard),
            ),
            Line(
                "The same without the database's CPU",
                number(1000 * per_life / whole.batchyard, 0),
                f"{number(1000 * per_life / whole.django, 0)}, Django REST framework alone",
                ratio(whole.django / whole.batchyard),
            ),
        ],
    )


def _growth(small: Pages, large: Pages) -> Result:
    ours = {one.name: one for one in growth()}
    blocks = {name: large.blocks[name] / small.blocks[name] for name in small.blocks}
    worst, worst_ours = max(blocks, key=lambda name: blocks[name]), max(ours, key=lambda name: ours[name].units)
    return Result(
        f"Cost of a page of {PAGE_SIZE} on a channel of {LARGE:,} batch requests, as a multiple of that at {SMALL:,}",
        ["page", "Batchyard: capacity", "Django: CPU", "PostgreSQL: blocks", f"blocks at {SMALL:,}", f"at {LARGE:,}"],
        [
            [
                name,
                ratio(ours[name].units),
                ratio(large.cpu[name] / small.cpu[name]),
                ratio(blocks[name]),
                number(small.blocks[name]),
                number(large.blocks[name]),
            ]
            for name in blocks
        ],
        notes=[
            "The last page is reached by counting up in Batchyard, by its number in Django. What grows in Django is the"
            " exact `count`, the offset of deep pages, and sorting where no index fits filter and ordering.",
        ],
        lines=[
            Line(
                f"Growth of a page's cost from {SMALL:,} to {LARGE:,}, the worst kind on each side",
                f"× {ratio(ours[worst_ours].units)} capacity ({worst_ours})",
                f"× {ratio(blocks[worst])} blocks in PostgreSQL ({worst})",
                ratio(ours[worst_ours].units / blocks[worst]),
            )
        ],
    )


if __name__ == "__main__":
    main(run)
