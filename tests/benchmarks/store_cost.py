"""What each operation costs in the store, in calls and consumed capacity, and how lists grow with a channel."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from batchyard.batch_requests import recounting, repository
from batchyard.batch_requests.rules import OBJECT_FIELDS, BatchRequest
from batchyard.channels import repository as channels
from batchyard.channels.rules import Channel
from batchyard.store import clients, items
from batchyard.store.tables import BATCH_REQUESTS, EPHEMERA, TALLIES
from batchyard.store.unit import transact
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.load import (
    COLLECTION,
    CONTENT_TYPES,
    FIRST_PAGES,
    LARGE,
    OBJECTS_IN_LISTS,
    PAGE_SIZE,
    SMALL,
    STATUSES,
    Page,
    objects,
)
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.wire import Calls, counted
from tests.benchmarks.world import CHANNEL, call, stores

SIZE = 100
FULL_CHANNEL, SMALL_CHANNEL, LARGE_CHANNEL = 6, 7, 8
# Walked up to their last page, which are a thousand and five hundred pages on the large channel.
WALKED = [FIRST_PAGES[0], FIRST_PAGES[-1]]
FULL_PAGE = f"page of {PAGE_SIZE} × {SIZE} objects"
FILTERED_PAGE = f"{FULL_PAGE}, status=done"
MOVE = "status move"
DIRECTLY = "last full page, asked for directly"
FIRST_MOMENT = 1_767_225_600_000_000


@dataclass(frozen=True)
class Growth:
    """What one page costs on the small channel and on the large one."""

    name: str
    small: Calls
    large: Calls

    @property
    def units(self) -> float:
        return self.large.units / self.small.units

    @property
    def calls(self) -> float:
        return len(self.large) / len(self.small)


def measured(method: str, target: str, body: object = None, headers: dict[str, str] | None = None) -> tuple[Calls, Any]:
    """What a request costs, without the leases that many requests share (see `quota`), and its answer."""
    with counted() as calls:
        answer = call(method, target, body, headers)
    return calls.without("UpdateItem", EPHEMERA.name), answer


def fill(channel: int, count: int, size: int) -> None:
    """Batch requests as the functions write them, with the tallies that the stream's function would have kept."""
    transact(lambda unit: channels.put(unit, Channel(channel, "Benchmark")))
    listed = [{name: entry.get(name) for name in OBJECT_FIELDS} for entry in objects(size, result=True)]
    text = json.dumps(listed, separators=(",", ":"))

    def item(number: int) -> dict[str, Any]:
        moment = FIRST_MOMENT + number * 1_000_000
        batch = BatchRequest(
            channel=channel,
            pk=moment,
            local_batch_id=str(uuid.UUID(int=number)),
            status=STATUSES[number % len(STATUSES)],
            modified=moment + 3_600_000_000,
            version=4,
            remote_batch_id=f"remote-{number}",
            content_type=CONTENT_TYPES[number // len(STATUSES) % len(CONTENT_TYPES)],
            objects=text,
            object_count=size,
            failed_count=sum(entry["failed_reason_type"] is not None for entry in listed),
        )
        return items.encode(repository.encode(batch)[0])

    def write(first: int) -> None:
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(first, min(first + 25, count))]
        waiting: Any = {BATCH_REQUESTS.name: puts}
        while waiting:
            waiting = clients.dynamodb().batch_write_item(RequestItems=waiting)["UnprocessedItems"]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(0, count, 25)))
    recounting.recount(channel)


def operations() -> dict[str, Calls]:
    """What one request of each kind costs."""
    collection = COLLECTION.format(channel=CHANNEL)
    target = f"{collection}{call('POST', collection, {'channel': CHANNEL})['pk']}/"
    page = Page("", "").target(FULL_CHANNEL)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    fill(FULL_CHANNEL, 3 * PAGE_SIZE, SIZE)

    def create(headers: dict[str, str] | None = None) -> Calls:
        return measured("POST", collection, {"channel": CHANNEL}, headers)[0]

    def patch(**body: object) -> Calls:
        return measured("PATCH", target, {"channel": CHANNEL, **body})[0]

    return {
        "create": create(),
        "create with Idempotency-Key": create(key),
        "create with Idempotency-Key, repeated": create(key),
        f"commit {SIZE} objects": patch(status="commit", objects=objects(SIZE)),
        "merge 20 objects": patch(objects=objects(20, result=True)),
        MOVE: patch(status="sent_to_remote", remote_batch_id="remote-1"),
        f"{MOVE}, repeated": patch(status="sent_to_remote", remote_batch_id="remote-1"),
        f"done with {SIZE} results": patch(status="done", objects=objects(SIZE, result=True)),
        "retrieve": measured("GET", target)[0],
        FULL_PAGE: measured("GET", page)[0],
        FILTERED_PAGE: measured("GET", f"{page}&status=done")[0],
    }


def walk(page: Page, channel: int, most: int | None = None) -> list[Calls]:
    """What each page costs as clients count up: by the number, until `next` is null or there are enough of them."""
    costs: list[Calls] = []
    following = True
    while following and len(costs) != most:
        cost, answer = measured("GET", page.target(channel, len(costs) + 1))
        costs.append(cost)
        following = answer["next"] is not None
    return costs


@cache
def growth() -> list[Growth]:
    """Every kind of page on a channel of a thousand batch requests and on one of a hundred thousand."""
    with DynamoDBLocal() as engine, stores(engine.endpoint):
        fill(SMALL_CHANNEL, SMALL, OBJECTS_IN_LISTS)
        fill(LARGE_CHANNEL, LARGE, OBJECTS_IN_LISTS)
        found = []
        for page in FIRST_PAGES:
            small, large = (walk(page, channel, most=2) for channel in (SMALL_CHANNEL, LARGE_CHANNEL))
            found.append(Growth(page.name, small[0], large[0]))
            found.append(Growth(f"{page.name}: second page", small[1], large[1]))
        for page in WALKED:
            # Before the way there is kept.
            asked = [directly(page, *sized) for sized in ((SMALL_CHANNEL, SMALL), (LARGE_CHANNEL, LARGE))]
            found.append(Growth(f"{page.name}: {DIRECTLY}", *asked))
            small, large = (walk(page, channel) for channel in (SMALL_CHANNEL, LARGE_CHANNEL))
            found.append(Growth(f"{page.name}: last page", small[-1], large[-1]))
            found.append(Growth(f"{page.name}: dearest on the way there", dearest(small), dearest(large)))
    return found


def directly(page: Page, channel: int, count: int) -> Calls:
    """What the last page costs that all statuses have, asked for out of the blue."""
    matching = count if page is WALKED[0] else count // len(STATUSES)
    cost, answer = measured("GET", page.target(channel, matching // PAGE_SIZE))
    if len(answer["results"]) != PAGE_SIZE:
        raise RuntimeError(f"{page.name} has no page {matching // PAGE_SIZE}")
    return cost


def dearest(pages: list[Calls]) -> Calls:
    return max(pages, key=lambda page: page.units)


def run() -> list[Result]:
    with DynamoDBLocal() as engine, stores(engine.endpoint):
        costs = operations()
        pages = {name: costs[name].without("Query", TALLIES.name) for name in (FULL_PAGE, FILTERED_PAGE)}
    grown = growth()
    counted_up = [one for one in grown if DIRECTLY not in one.name]
    units, calls = max(counted_up, key=lambda one: one.units), max(counted_up, key=lambda one: one.calls)
    kinds = f"{len(counted_up)} that clients count up to"
    deep = max((one for one in grown if DIRECTLY in one.name), key=lambda one: one.units)
    return [
        Result(
            "Store calls and consumed capacity of one request",
            ["request", "calls", "read units", "write units"],
            [[name, str(cost), number(cost.reads), number(cost.writes)] for name, cost in costs.items()],
            notes=[
                "As DynamoDB Local counts them, table and indexes together. Without the leases of the request limit"
                " and of primary keys, which many requests share (see `quota`). A list's PutItem keeps where"
                " the next page begins.",
            ],
            lines=[
                Line("Store calls of retrieve", str(costs["retrieve"]), "1 read", ratio(len(costs["retrieve"])), "≤ 1"),
                Line(
                    "Store calls of a status move",
                    str(costs[MOVE]),
                    "1 read + 1 write",
                    ratio(len(costs[MOVE]) / 2),
                    "≤ 1",
                ),
                *(
                    Line(
                        f"Store calls of a {name}, count aside",
                        str(page),
                        "1 query + 1 batch read",
                        ratio(len(page) / 2),
                        "≤ 1",
                    )
                    for name, page in pages.items()
                ),
            ],
        ),
        Result(
            f"Pages of {PAGE_SIZE} on a channel of {SMALL:,} and of {LARGE:,} batch requests",
            ["page", f"calls at {SMALL:,}", f"at {LARGE:,}", "ratio", f"units at {SMALL:,}", f"at {LARGE:,}", "ratio"],
            [
                [
                    one.name,
                    number(len(one.small)),
                    number(len(one.large)),
                    ratio(one.calls),
                    number(one.small.units),
                    number(one.large.units),
                    ratio(one.units),
                ]
                for one in grown
            ],
            notes=[
                f"{OBJECTS_IN_LISTS} objects in each batch request. With `count`, and with keeping the next position."
            ],
            lines=[
                Line(
                    f"Capacity of a page at {LARGE:,} batch requests, worst of {kinds} ({units.name})",
                    number(units.large.units),
                    f"{number(units.small.units)} at {SMALL:,}",
                    ratio(units.units),
                    "≤ 1.2",
                ),
                Line(
                    f"Store calls of a page at {LARGE:,} batch requests, worst of {kinds} ({calls.name})",
                    number(len(calls.large)),
                    f"{number(len(calls.small))} at {SMALL:,}",
                    ratio(calls.calls),
                    "≤ 1.2",
                ),
                Line(
                    f"Capacity of a page of {LARGE:,} batch requests asked for out of the blue ({deep.name})",
                    f"{number(deep.large.units)}, {len(deep.large)} calls",
                    f"{number(deep.small.units)} at {SMALL:,}",
                    ratio(deep.units),
                ),
            ],
        ),
    ]


if __name__ == "__main__":
    main(run)
