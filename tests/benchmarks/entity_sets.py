"""The catalogue's entity sets: what a hundred stock updates, a client's batch and pages of a large catalogue cost."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from batchyard import clock
from batchyard.catalogue import codec, entities
from batchyard.catalogue.rules import DRAFT, Entity, Own, Product, Variant
from batchyard.store import clients, contents, items
from batchyard.store.items import Item
from batchyard.store.tables import CATALOGUE, EPHEMERA, PRODUCTS
from tests.benchmarks.batch import COUNT, ROUNDS, Act, Request, Way, alone, compare, sent, together
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.wire import Calls, counted
from tests.benchmarks.world import call, stores
from tests.support.aws import forget
from tests.support.batch import envelope, request

SMALL, LARGE = 1_000, int(os.environ.get("BENCHMARK_PRODUCTS", "100000"))
BEGAN = 1_767_225_600_000_000
SECOND = 1_000_000
RECENT = 500
"""How many of the last products a client asks for that has been here before."""


def put(count: int) -> None:
    """Products of one variant with attributes, images and stock, made a second after each other, as they are stored."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_write, itertools.batched(range(1, count + 1), 8, strict=False)))


def _write(numbers: Iterable[int]) -> None:
    rows: dict[str, list[Any]] = {PRODUCTS.name: [], CATALOGUE.name: []}
    for one in numbers:
        product, own, claims = _made(one)
        rows[PRODUCTS.name].append(product)
        rows[CATALOGUE.name] += [own, *claims]
    waiting: Any = {
        table: [{"PutRequest": {"Item": items.encode({"version": 1, **row})}} for row in found]
        for table, found in rows.items()
    }
    puts = [(table, entry) for table, found in waiting.items() for entry in found]
    for some in itertools.batched(puts, 25, strict=False):
        pending: Any = {}
        for table, entry in some:
            pending.setdefault(table, []).append(entry)
        while pending:
            pending = clients.dynamodb().batch_write_item(RequestItems=pending)["UnprocessedItems"]


def _made(one: int) -> tuple[Item, Item, list[Item]]:
    moment, sku = BEGAN + one * SECOND, f"SKU-{one}"
    variant = Variant(f"variant_{one:026d}", one, {"sku": sku})
    product = Product(
        f"prod_{one:026d}",
        sku,
        DRAFT,
        moment,
        moment,
        "benchmark",
        fields={"title": f"Product {one}", "brand": "Alpina", "description": "Made to last. " * 10},
        images=tuple(f"https://img.example/{one}/{place}.jpg" for place in range(3)),
        variants=(variant,),
        version=1,
    )
    text = codec.content(product)
    content, _ = contents.pack(codec.CONTENT, text, lambda: "none")
    aggregate = codec.encode_product(product, {**content, "content_size": len(text.encode())})
    entity = Entity(
        one,
        product.id,
        moment,
        moment,
        moment,
        "benchmark",
        quantities={0: one % 50},
        version=1,
        variant=variant.id,
        sku=sku,
        stocked_by="benchmark",
    )
    attributes = {f"Attribute {place}": f"Value {one * place % 97}" for place in range(8)}
    own = Own(fields={"upc": f"{one:012d}"}, attributes=attributes)
    stored = entities.holding(replace(entity, stored={}), own, lambda blob: None)
    claims = [{**claim, "at": moment} for claim in codec.claims(product).values()]
    return aggregate, codec.encode_entity(stored), claims


# Reads.


@dataclass(frozen=True)
class Read:
    """A request that reads.

    Args:
        name: What it is called.
        url: Its URL below the root, for a catalogue of so many products.
    """

    name: str
    url: Callable[[int], str]


def _filtered(condition: str) -> str:
    return f"Products?$filter={quote(condition)}"


def _since(products: int) -> str:
    return _filtered(f"UpdateDateUtc ge {clock.iso(BEGAN + (products - RECENT) * SECOND)}")


_PARTS = "$expand=Attributes,DCQuantities,Images"

READS = [
    Read("Products(ID)", lambda n: f"Products({n // 2})"),
    Read("ID eq", lambda n: _filtered(f"ID eq {n // 2}")),
    Read("Sku eq", lambda n: _filtered(f"Sku eq 'SKU-{n // 2}'")),
    Read("Sku eq … or … (20)", lambda n: _filtered(" or ".join(f"Sku eq 'SKU-{n // 2 + i}'" for i in range(20)))),
    Read(f"page of 100, {_PARTS}", lambda n: f"Products?{_PARTS}"),
    Read(f"UpdateDateUtc ge, page of 100, {_PARTS}", lambda n: f"{_since(n)}&{_PARTS}"),
    Read(f"UpdateDateUtc ge in order, {_PARTS}", lambda n: f"{_since(n)}&$orderby=UpdateDateUtc&{_PARTS}"),
]


@dataclass(frozen=True)
class Growth:
    """What a read costs in the small catalogue and in the large one."""

    name: str
    small: Calls
    large: Calls


def read(url: str) -> tuple[Calls, Any]:
    """What a read costs, without the lease of the request limit, and its answer."""
    with counted() as calls:
        answer = call("GET", f"/v1/{url}")
    return calls.without("UpdateItem", EPHEMERA.name), answer


def reads(products: int) -> dict[str, Calls]:
    """What each kind of read costs in a catalogue of so many products."""
    with DynamoDBLocal() as engine, stores(engine.endpoint, fill=lambda _: put(products)):
        found: dict[str, Calls] = {}
        for one in READS:
            found[one.name], answer = read(one.url(products))
            if "value" in answer and not answer["value"]:
                raise RuntimeError(f"{one.name} found nothing")
            if "@odata.nextLink" in answer:
                link = answer["@odata.nextLink"].partition("/v1/")[2]
                found[f"{one.name}: second page"], _ = read(link)
        return found


# Batches.


def _stock(id: int, kind: str) -> Request:
    updates = [{"DistributionCenterID": 0, "Quantity": id % 40 + 1}]
    return Request("POST", f"/v1/Products({id})/UpdateQuantity", {"Value": {"UpdateType": kind, "Updates": updates}})


def mixed(first: int) -> list[Request]:
    """A batch as clients of this model send it: attributes, stock, labels and prices, and reads between them."""
    found: list[Request] = []
    for id in range(first, first + COUNT // 5):
        attributes = {"Value": {"Attributes": [{"Name": "Colour", "Value": "red"}, {"Name": "Size", "Value": "M"}]}}
        found += [
            Request("GET", f"/v1/Products({id})?$select=ID,Sku,TotalAvailableQuantity"),
            Request("PATCH", f"/v1/Products({id})", {"RetailPrice": 19.99, "UPC": f"{id:012d}"}),
            Request("POST", f"/v1/Products({id})/UpdateAttributes", attributes),
            _stock(id, "InStock"),
            Request("PUT", f"/v1/ProductLabels(ProductID={id},Name='Sale')"),
        ]
    return found


def batches() -> dict[str, tuple[list[Way], dict[str, Calls]]]:
    """What a hundred requests cost alone, in a batch and in a change set, and their store calls with capacity."""
    free = iter(range(1, 2 * SMALL, COUNT))

    def stock(kind: str) -> list[Request]:
        start = next(free)
        return [_stock(id, kind) for id in range(start, start + COUNT)]

    kinds: dict[str, dict[str, Callable[[], Act]]] = {}
    for kind in ("Absolute", "Relative"):
        kinds[f"stock update, {kind}"] = {
            f"{COUNT} alone": lambda kind=kind: alone(stock(kind)),  # type: ignore[misc]
            "one change set": lambda kind=kind: together(stock(kind), atomic=True),  # type: ignore[misc]
        }
    kinds["mixed requests"] = {
        f"{COUNT} alone": lambda: alone(mixed(next(free))),
        "one batch": lambda: sent(
            envelope(*(request(one.method, one.url, one.body) for one in mixed(next(free)))), "b"
        ),
    }
    found = {}
    for kind, ways in kinds.items():
        made = compare(ways)
        capacity = {}
        for name, make in ways.items():
            act = make()
            forget()
            with counted() as calls:
                act()
            capacity[name] = calls.without("UpdateItem", EPHEMERA.name)
        found[kind] = (made, capacity)
    return found


def run() -> list[Result]:
    with DynamoDBLocal() as engine, stores(engine.endpoint, fill=lambda _: put(2 * SMALL)):
        together_ = batches()
    small, large = reads(SMALL), reads(LARGE)
    grown = [Growth(name, small[name], large[name]) for name in large]
    since = [one for one in grown if one.name.startswith("UpdateDateUtc ge")]
    worst = max(since, key=lambda one: one.large.units / one.small.units)
    page = next(one for one in grown if one.name.startswith("page of 100"))
    return [
        Result(
            f"{COUNT} requests to entity sets in one batch beside the same {COUNT} alone",
            ["requests", "way", "store calls", "read units", "write units", "ms of CPU", "ratio"],
            [
                [
                    kind,
                    way.name,
                    str(capacity[way.name]),
                    number(capacity[way.name].reads),
                    number(capacity[way.name].writes),
                    number(way.milliseconds),
                    ratio(way.ratio),
                ]
                for kind, (ways, capacity) in together_.items()
                for way in ways
            ],
            notes=[
                f"CPU: medians of {ROUNDS} rounds in turn, in one process, on recorded answers. Calls and units are"
                " without the lease of the request limit, units as DynamoDB Local counts them, and transactions as"
                " DynamoDB does. A mixed batch reads, changes, sets attributes, stock and a label of twenty"
                " products, each request by itself.",
            ],
            lines=[
                Line(
                    f"{COUNT} × {kind}, in {way.name}: {what}",
                    ours,
                    f"{theirs} alone",
                    ratio(share),
                    "≤ 1",
                )
                for kind, ((single, *others), capacity) in together_.items()
                for way in others
                for what, ours, theirs, share in (
                    ("CPU", f"{number(way.milliseconds)} ms", f"{number(single.milliseconds)} ms", way.ratio),
                    (
                        "store calls",
                        str(len(capacity[way.name])),
                        str(len(capacity[single.name])),
                        len(capacity[way.name]) / len(capacity[single.name]),
                    ),
                )
            ],
        ),
        Result(
            f"Reads of a catalogue of {SMALL:,} and of {LARGE:,} products",
            ["read", f"calls at {SMALL:,}", f"at {LARGE:,}", f"units at {SMALL:,}", f"at {LARGE:,}", "ratio"],
            [
                [
                    one.name,
                    str(one.small),
                    str(one.large),
                    number(one.small.units),
                    number(one.large.units),
                    ratio(one.large.units / one.small.units),
                ]
                for one in grown
            ],
            notes=[
                f"Products of one variant with eight attributes, three images and stock. `UpdateDateUtc ge` finds the"
                f" last {RECENT}."
            ],
            lines=[
                Line(
                    f"Page of 100 products with attributes, stock and images at {LARGE:,} products: store calls",
                    str(len(page.large)),
                    f"{len(page.small)} at {SMALL:,}",
                    ratio(len(page.large) / len(page.small)),
                    "≤ 1.2",
                ),
                Line(
                    f"Capacity of `UpdateDateUtc ge` at {LARGE:,} products, worst of {len(since)} ({worst.name})",
                    number(worst.large.units),
                    f"{number(worst.small.units)} at {SMALL:,}",
                    ratio(worst.large.units / worst.small.units),
                    "≤ 1.2",
                ),
            ],
        ),
    ]


if __name__ == "__main__":
    main(run)
