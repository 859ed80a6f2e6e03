"""Requests per CPU second and the growth of lists: Batchyard beside Django REST framework on PostgreSQL.

Two services do the same: `lean`, as one writes it who looks at CPU (one JSON column, objects checked by hand, orjson,
tokens and channels kept for a minute), and `nested`, as the framework's tutorial has it (a child table, serializers).
"""

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
from tests.benchmarks.store_cost import DIRECTLY, growth
from tests.benchmarks.worker import Worker
from tests.benchmarks.world import CHANNEL, stores

SIZE = 100
ROUNDS = 4
LIVES_A_ROUND = 50
DJANGO_CHANNEL = 1
BATCHYARD, LEAN, NESTED = "batchyard", "lean", "nested"
PAGES_TIMED = 10

Clock = Callable[[], tuple[float, ...]]


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request, of PostgreSQL's processes where it has any."""

    own: float
    postgres: float = 0

    @property
    def both(self) -> float:
        return self.own + self.postgres


@dataclass(frozen=True)
class Pages:
    """Of each kind of page: CPU milliseconds of Django and PostgreSQL, and the blocks that PostgreSQL looked at."""

    cpu: dict[str, float]
    blocks: dict[str, int]


@contextmanager
def django(cluster: Cluster) -> Iterator[list[Server]]:
    venv = ensure()
    with Server(LEAN, venv, cluster) as lean, Server(NESTED, venv, cluster) as nested:
        yield [lean, nested]


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


def requests(worker: Worker, servers: list[Server], cluster: Cluster) -> dict[str, dict[str, Cost]]:
    """What one request of each kind costs each service: in turn, after some lives to warm up."""

    def a_round(lives: int) -> dict[str, dict[str, tuple[float, ...]]]:
        found = {BATCHYARD: spent(worker.call, CHANNEL, lives, lambda: (worker.cpu_seconds(),))}
        for server in servers:

            def clock(server: Server = server) -> tuple[float, ...]:
                return server.cpu_seconds(), cluster.cpu_seconds()

            found[server.package] = spent(server.call, DJANGO_CHANNEL, lives, clock)
        return found

    a_round(10)
    rounds = [a_round(LIVES_A_ROUND) for _ in range(ROUNDS)]
    made = {step.name: ROUNDS * round(LIVES_A_ROUND * step.share) for step in steps(SIZE)}
    return {
        service: {
            name: Cost(
                *(1000 * sum(part) / count for part in zip(*(one[service][name] for one in rounds), strict=True))
            )
            for name, count in made.items()
        }
        for service in rounds[0]
    }


def life(costs: dict[str, Cost]) -> Cost:
    """What a batch request costs from its opening to its end, with the lists that come with it."""
    shares = {step.name: step.share for step in steps(SIZE)}
    return Cost(
        *(sum(shares[name] * getattr(cost, part) for name, cost in costs.items()) for part in ("own", "postgres"))
    )


def fill(cluster: Cluster, first: int, last: int) -> None:
    """Batch requests number `first` to `last` of the channel, with their objects."""

    def pick(values: list[str], position: str) -> str:
        return f"(ARRAY[{', '.join(map(repr, values))}])[1 + {position} % {len(values)}]"

    objects = ", ".join(
        f"jsonb_build_object('pk', 1000000 + 7 * {number}, 'content_type', 'product', 'failed_reason_type', NULL,"
        f" 'remote_id', 'ITEM-' || (n * 100 + {number}), 'version_date', '2026-11-22T02:50:19.114587Z')"
        for number in range(1, OBJECTS_IN_LISTS + 1)
    )
    cluster.sql(f"""
        INSERT INTO {LEAN}_batchrequest (id, channel_id, local_batch_id, remote_batch_id, content_type, status,
            created_date, modified_date, objects_list)
        SELECT 1000000 + n, {DJANGO_CHANNEL}, gen_random_uuid(), 'remote-' || n,
            {pick(CONTENT_TYPES, f"n / {len(STATUSES)}")}, {pick(STATUSES, "n")},
            timestamptz '2026-01-01Z' + n * interval '1 second', timestamptz '2026-02-01Z' + n * interval '1 second',
            jsonb_build_array({objects})
        FROM generate_series({first}, {last}) n;
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
    with Cluster() as cluster, django(cluster) as servers:
        with batchyard() as worker:
            costs = requests(worker, servers, cluster)
        lean = servers[0]
        cluster.sql(f"TRUNCATE {LEAN}_batchrequest")
        fill(cluster, 1, SMALL)
        small = pages(lean, cluster, SMALL)
        fill(cluster, SMALL + 1, LARGE)
        large = pages(lean, cluster, LARGE)
    return [_requests(costs), _growth(small, large)]


def _requests(costs: dict[str, dict[str, Cost]]) -> Result:
    rows = {name: {service: one[name] for service, one in costs.items()} for name in costs[BATCHYARD]}
    lives = {service: life(one) for service, one in costs.items()}
    per_life = sum(step.share for step in steps(SIZE))

    def row(name: str, cost: dict[str, Cost]) -> list[str]:
        ours = cost[BATCHYARD]
        cells = [name, number(ours.own, 2)]
        for service in (LEAN, NESTED):
            theirs = cost[service]
            cells += [number(theirs.own, 2), number(theirs.postgres, 2), ratio(theirs.both / ours.own)]
        return [*cells, ratio(cost[LEAN].own / ours.own)]

    def line(what: str, service: str, theirs: float) -> Line:
        ours = lives[BATCHYARD].own
        return Line(
            f"Requests per CPU second, mixed as in a batch request's life ({SIZE} objects), {what}",
            number(1000 * per_life / ours, 0),
            f"{number(1000 * per_life / theirs, 0)}, Django REST framework, {service}",
            ratio(theirs / ours),
            "≥ 2" if service == LEAN else "",
        )

    return Result(
        "CPU of one request, in ms: Batchyard, and Django REST framework on PostgreSQL",
        [
            *("request", "Batchyard", "Django, lean", "its PostgreSQL", "ratio"),
            *("Django, nested", "its PostgreSQL", "ratio", "ratio to lean without PostgreSQL"),
        ],
        [*(row(name, cost) for name, cost in rows.items()), row("a whole life of these", lives)],
        notes=[
            "Lean: one JSON column that goes out as it is, objects checked by hand, orjson, tokens and channels kept"
            " for a minute. Nested: a child table with nested serializers, a query for token and channel each time."
            " Batchyard: the process of the functions, with botocore and its HTTP to DynamoDB Local; it gets events by"
            " a pipe, where Lambda's runtime has them by HTTP. Django: gunicorn with one worker and a connection that"
            " stays open; PostgreSQL: all its processes. No side has TLS. Not counted are DynamoDB and API Gateway,"
            " which others run and charge by use, the authorizer (once a minute and token) and the functions behind"
            " the change stream. Django here does without request limits, idempotency keys, ETags and events, which"
            " Batchyard has.",
        ],
        lines=[
            line("the database's CPU with it", LEAN, lives[LEAN].both),
            line("the database's CPU with it", NESTED, lives[NESTED].both),
            line("without the database's CPU", LEAN, lives[LEAN].own),
        ],
    )


def _growth(small: Pages, large: Pages) -> Result:
    ours = {one.name: one for one in growth()}
    blocks = {name: large.blocks[name] / small.blocks[name] for name in small.blocks}
    worst = max(blocks, key=lambda name: blocks[name])
    counted_up = max((name for name in ours if DIRECTLY not in name), key=lambda name: ours[name].units)
    deep = f"{FIRST_PAGES[0].name}: {DIRECTLY}"
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
            f"The last page is reached by counting up in Batchyard, by its number in Django; asked for directly it"
            f" costs {number(ours[deep].large.units)} units in Batchyard, {ratio(ours[deep].units)} times as much"
            f" as at {SMALL:,}. Django: the lean one. What grows in Django is the"
            " exact `count`, the offset of deep pages, and sorting where no index fits filter and ordering.",
        ],
        lines=[
            Line(
                f"Growth of a page's cost from {SMALL:,} to {LARGE:,}, the worst kind that clients count up to",
                f"× {ratio(ours[counted_up].units)} capacity ({counted_up})",
                f"× {ratio(blocks[worst])} blocks in PostgreSQL ({worst})",
                ratio(ours[counted_up].units / blocks[worst]),
            ),
            Line(
                "The same of the last page, asked for directly on both sides",
                f"× {ratio(ours[deep].units)} capacity",
                f"× {ratio(blocks[f'{FIRST_PAGES[0].name}: last page'])} blocks in PostgreSQL",
                ratio(ours[deep].units / blocks[f"{FIRST_PAGES[0].name}: last page"]),
            ),
        ],
    )


if __name__ == "__main__":
    main(run)
