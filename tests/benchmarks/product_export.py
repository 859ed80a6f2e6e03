"""Exports of the catalogue: CPU and memory by size, seconds through the local engine, and calls to the store."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import httpx

from batchyard.batch_jobs import repository
from batchyard.batch_jobs.rules import COMPLETED, EXPORT, Job
from batchyard.catalogue import codec, operations
from batchyard.catalogue.rules import Entity, Product
from batchyard.identity import operations as identity
from batchyard.scope import Scope
from batchyard.store import contents, items
from batchyard.store.tables import CATALOGUE, EPHEMERA
from batchyard.store.unit import transact
from tests.benchmarks import jobs
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.export import peak_memory
from tests.benchmarks.jobs import (
    USER,
    Answers,
    Kept,
    as_json,
    engine,
    files,
    followed,
    in_own_process,
    seconds_between,
    work,
)
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.wire import Calls, counted, replaced_send
from tests.benchmarks.world import environment, stores
from tools import catalogue

SMALL, LARGE, VARIANTS = 1_000, 100_000, 2
REPLACED_SECONDS = 3.0
"""What the replaced service takes for 1,000 products of two variants, on two cores: measured on it, not here."""
PAGE = 800
"""Products in a page of a scan: some 1 MB, where DynamoDB ends one."""
ROUNDS = 5


def job() -> Job:
    """An export of everything."""
    return jobs.job(EXPORT, catalogue.BEGAN + 1, {})


# CPU and memory: the answers of DynamoDB are made here, and the CPU that making them takes is not counted.


class Pages(Answers):
    """DynamoDB with a catalogue of so many products."""

    def __init__(self, count: int) -> None:
        super().__init__(self._answered)
        self._count = count
        made = list(catalogue.made_up(SMALL, variants=VARIANTS))
        self._products = [_encoded(one.product) for one in made]
        self._entities = {
            id: as_json(items.encode(codec.encode_entity(_entity(one, id))))
            for one in made
            for id in one.product.entities
        }

    def _answered(self, operation: str, body: dict[str, Any]) -> str:
        if operation == "Query":
            return '{"Items": []}'
        if operation == "BatchGetItem":
            asked = body["RequestItems"][CATALOGUE.name]
            names = asked["ProjectionExpression"].split(", ")
            wanted = [self._entities[int(key["id"]["S"].split()[1])] for key in asked["Keys"]]
            found = [{name: entity[name] for name in names} for entity in wanted]
            return json.dumps({"Responses": {CATALOGUE.name: found}, "UnprocessedKeys": {}})
        first = int(body["ExclusiveStartKey"]["id"]["S"].rpartition("-")[2]) + 1 if "ExclusiveStartKey" in body else 0
        numbers = range(first, min(first + PAGE, self._count))
        last = f', "LastEvaluatedKey": {{"id": {{"S": "prod-{numbers[-1]}"}}}}' if numbers.stop < self._count else ""
        return f'{{"Items": [{",".join(map(self._product, numbers))}]{last}}}'

    def _product(self, number: int) -> str:
        created = str(catalogue.BEGAN + (number * 7_919_993) % 10**12)
        own = {"id": {"S": f"prod-{number}"}, "created": {"N": created}, "handle": {"S": f"handle-{number}"}}
        return json.dumps({**self._products[number % SMALL], **own})


def _encoded(product: Product) -> dict[str, Any]:
    rest = codec.content(product)
    attributes, _ = contents.pack(codec.CONTENT, rest, lambda: "")
    return as_json(items.encode(codec.encode_product(product, {**attributes, "content_size": len(rest)})))


def _entity(made: catalogue.Made, id: int) -> Any:
    variants = {one.entity: one for one in made.product.variants}
    one = variants.get(id)
    began = catalogue.BEGAN
    entity = Entity(id, made.product.id, began, began, began, made.product.by, made.stock.get(id, {}))
    return entity if one is None else replace(entity, variant=one.id, sku=one.sku)


def export(count: int) -> dict[str, float]:
    """Exports a catalogue; returns what it took."""
    kept, pages = Kept(job()), Pages(count)
    with files() as there, replaced_send(pages.instead):
        begun = time.process_time()
        kept.run()
        seconds = time.process_time() - begun - pages.seconds
    assert kept.job.status == COMPLETED, kept.job
    assert kept.job.result is not None
    assert kept.job.result["count"] == count
    return {"seconds": seconds, "bytes": there.bytes, "steps": kept.steps, "peak": peak_memory() / 1024}


def measured(count: int) -> dict[str, float]:
    """One export, in a process of its own."""
    return in_own_process("tests.benchmarks.product_export", count)


# The local engine.


def rounds() -> list[tuple[float, float]]:
    """Seconds from POST to completed, and of these from the first step to the last, of some exports."""
    with engine() as client:
        catalogue.fill(SMALL, variants=VARIANTS)
        exported(client)
        return [exported(client) for _ in range(ROUNDS)]


def exported(client: httpx.Client) -> tuple[float, float]:
    """An export of everything, asked for until it is there."""
    begun = time.monotonic()
    id = jobs.begun(client, EXPORT, {})
    found = followed(client, id, lambda job: bool(job["status"] == COMPLETED))
    whole = time.monotonic() - begun
    assert found["result"]["count"] == SMALL
    return whole, seconds_between(found, "confirmed_at", "completed_at")


# The store.


def costs() -> dict[str, Calls]:
    """What operations on the catalogue and an export of it cost, without the IDs that are reserved many at once."""
    catalogue.fill(0)
    one, two, many = (next(catalogue.made_up(1, seed, variants=size)) for seed, size in ((7, 1), (8, 2), (9, 28)))
    found: dict[str, Calls] = {}

    def cost(name: str, act: Callable[[], Any]) -> Any:
        with counted() as calls:
            given = act()
        found[name] = calls.without("UpdateItem", EPHEMERA.name)
        return given

    def bare(made: catalogue.Made) -> Product:
        variants = tuple(replace(variant, entity=0) for variant in made.product.variants)
        return replace(made.product, parent=None, variants=variants, fields={"title": "Benchmark"}, sales_channels=())

    single = cost("create a product of one variant", lambda: operations.create(bare(one), "benchmark"))
    double = cost("create a product of two variants", lambda: operations.create(bare(two), "benchmark"))
    cost("create a product of 28 variants", lambda: operations.create(bare(many), "benchmark"))
    cost(
        "change a title",
        lambda: operations.update(double.id, lambda product: replace(product, fields={"title": "Other"}), "benchmark"),
    )
    cost("the same again", lambda: operations.update(double.id, lambda product: product, "benchmark"))
    cost("set a quantity", lambda: operations.set_quantities(single.variants[0].entity, {0: 5}, "benchmark"))
    cost("retrieve", lambda: operations.retrieve(double.id))
    cost("remove a product of two variants", lambda: operations.remove(double.id))
    operations.remove(single.id)
    catalogue.fill(SMALL - 1, variants=VARIANTS)
    identity.create_user(USER, "correct horse battery", Scope(catalogue="write"))
    asked = job()
    transact(lambda unit: repository.add(unit, asked))
    with files():
        cost(f"export {SMALL:,} products of two variants", lambda: work(asked.id))
    return found


def run() -> list[Result]:
    small, large = measured(SMALL), measured(LARGE)
    whole, processing = (median(values) for values in zip(*rounds(), strict=True))
    with DynamoDBLocal() as local, stores(local.endpoint):
        spent = costs()
    each = {count: found["seconds"] / count for count, found in ((SMALL, small), (LARGE, large))}
    exported = spent[f"export {SMALL:,} products of two variants"]
    return [
        Result(
            f"Exports of products of {VARIANTS} variants",
            ["products", "s of CPU", "ms a product", "MB", "steps", "peak MB of the process"],
            [
                [
                    f"{count:,}",
                    number(found["seconds"], 2),
                    number(1000 * each[count], 2),
                    number(found["bytes"] / 1e6),
                    number(found["steps"]),
                    number(found["peak"], 0),
                ]
                for count, found in ((SMALL, small), (LARGE, large))
            ],
            notes=[
                "DynamoDB's answers are made in the process, and the CPU of making them is not counted; that of reading"
                " them is. The spool lies on the disk in place of S3, the file is counted."
            ],
            lines=[
                Line(
                    f"CPU a product of an export of {LARGE:,} products of {VARIANTS} variants",
                    f"{number(1000 * each[LARGE], 2)} ms",
                    f"{number(1000 * each[SMALL], 2)} ms, of {SMALL:,}",
                    ratio(each[LARGE] / each[SMALL]),
                    "1",
                ),
                Line(
                    f"Peak memory of the same, with {SMALL:,} made-up products in it",
                    f"{number(large['peak'], 0)} MB",
                    f"{number(small['peak'], 0)} MB, of {SMALL:,}",
                    ratio(large["peak"] / small["peak"]),
                    "≤ 256 MB",
                ),
            ],
        ),
        Result(
            f"An export of {SMALL:,} products of {VARIANTS} variants through the local engine",
            ["", "seconds", "the replaced service", "ratio"],
            [
                ["from POST to completed", number(whole, 2), "", ""],
                [
                    "from confirmed to completed",
                    number(processing, 2),
                    number(REPLACED_SECONDS),
                    ratio(processing / REPLACED_SECONDS),
                ],
            ],
            notes=[f"The median of {ROUNDS}, after a first one. The engine is an emulator on the same two cores."],
            lines=[
                Line(
                    f"Export of {SMALL:,} products of {VARIANTS} variants on the local engine, POST to completed",
                    f"{number(whole, 2)} s",
                    f"{number(REPLACED_SECONDS)} s: the replaced service's processing alone, measured elsewhere",
                    ratio(whole / REPLACED_SECONDS),
                )
            ],
        ),
        Result(
            "Store calls and consumed capacity of the catalogue",
            ["operation", "calls", "read units", "write units"],
            [[name, str(cost), number(cost.reads), number(cost.writes)] for name, cost in spent.items()],
            notes=[
                "As DynamoDB Local counts them, table and indexes together. A product that is made reserves its integer"
                " IDs by an UpdateItem. Of a transaction it counts less than DynamoDB, which takes two units for each"
                " kB of each item: a product of two variants is seven items."
            ],
            lines=[
                Line(
                    f"Store calls of an export of {SMALL:,} products of {VARIANTS} variants, a product",
                    number(len(exported) / SMALL, 3),
                    "",
                    "",
                ),
                Line("Capacity of the same, a product", number(exported.units / SMALL, 2), "", ""),
            ],
        ),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ.update(environment())
        os.environ["CONTENT_BUCKET"] = "sink"
        print(json.dumps(export(int(sys.argv[1]))))
    else:
        main(run)
