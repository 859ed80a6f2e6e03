"""Exports of the catalogue: CPU and memory by size, seconds through the local engine, and calls to the store."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from batchyard import operator, ulids
from batchyard.batch_jobs import repository as jobs
from batchyard.batch_jobs import working
from batchyard.batch_jobs.rules import COMPLETED, EXPORT, Job
from batchyard.catalogue import codec, operations
from batchyard.catalogue.rules import Product
from batchyard.identity import operations as identity
from batchyard.scope import Scope
from batchyard.store import blobs, items
from batchyard.store.blobs import RECEIPT, Blob
from batchyard.store.tables import CATALOGUE, EPHEMERA
from batchyard.store.unit import transact
from batchyard.user_ids import user_id
from batchyard.work.steps import Stretch
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.export import peak_memory
from tests.benchmarks.report import Line, MissingToolError, Result, main, number, ratio
from tests.benchmarks.wire import Calls, Send, body_of, counted, operation_of, replaced_send
from tests.benchmarks.world import environment, stores
from tests.support import aws
from tools import catalogue
from tools.local_stack import HOME, STACK, LocalStack, free_port

SMALL, LARGE, VARIANTS = 1_000, 100_000, 2
REPLACED_SECONDS = 3.0
"""What the replaced service takes for 1,000 products of two variants, on two cores: measured on it, not here."""
PAGE = 800
"""Products in a page of a scan: some 1 MB, where DynamoDB ends one."""
ROUNDS = 5
USER = "benchmark"


class Files:
    """S3: the spool lies on the disk, the file that is written is counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bytes = self.calls = 0

    def write(self, blob: Blob) -> None:
        """Takes an object."""
        self.calls += 1
        if blob.key.startswith("files/"):
            self.bytes += len(blob.content)
        else:
            self._path(blob.key).write_bytes(blob.content)

    def read_range(self, key: str, start: int, length: int, version: str = "") -> bytes:
        """Gives some bytes."""
        self.calls += 1
        with self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def write_part(self, key: str, upload: str, number: int, content: bytes) -> bytes:
        """Takes a part."""
        self.calls += 1
        self.bytes += len(content)
        return bytes(RECEIPT)

    def delete(self, key: str) -> None:
        """Removes an object."""
        self.calls += 1
        self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "_")


@contextmanager
def files() -> Iterator[Files]:
    """Has the functions keep their files here."""
    with tempfile.TemporaryDirectory() as folder:
        here = Files(Path(folder))
        with (
            patch.object(blobs, "write", here.write),
            patch.object(blobs, "read_range", here.read_range),
            patch.object(blobs, "begin", lambda *_: "upload"),
            patch.object(blobs, "write_part", here.write_part),
            patch.object(blobs, "complete", lambda *_: None),
            patch.object(blobs, "delete", here.delete),
        ):
            yield here


def job(number: int = 1) -> Job:
    """An export of everything."""
    moment = catalogue.BEGAN + number
    return Job(f"batch_{ulids.of(moment, 'job')}", EXPORT, user_id(USER), USER, {}, moment, moment)


# CPU and memory: the answers of DynamoDB are made here, and the CPU that making them takes is not counted.


class Pages:
    """DynamoDB with a catalogue of so many products, whose answers botocore reads as it would read real ones."""

    def __init__(self, count: int) -> None:
        self._count = count
        made = list(catalogue.made_up(SMALL, variants=VARIANTS))
        self._products = [_encoded(one.product) for one in made]
        self._entities = {
            id: _plain(items.encode(codec.encode_entity(_entity(one, id))))
            for one in made
            for id in one.product.entities
        }
        self.seconds = 0.0
        self._lock = threading.Lock()

    def instead(self, _: Send) -> Send:
        """What botocore sends its requests to."""

        def answering(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            begun = time.thread_time()
            text = self._answer(operation_of(request), body_of(request)).encode()
            with self._lock:
                self.seconds += time.thread_time() - begun
            return AWSResponse(request.url, 200, {}, _Raw(text))

        return answering

    def _answer(self, operation: str, body: dict[str, Any]) -> str:
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


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """The body, as urllib3 gives it."""
        yield self.read()


def _encoded(product: Product) -> dict[str, Any]:
    rest = codec.content(product)
    attributes, _ = codec.contents.pack(codec.CONTENT, rest, lambda: "")
    return _plain(items.encode(codec.encode_product(product, {**attributes, "content_size": len(rest)})))


def _entity(made: catalogue.Made, id: int) -> Any:
    variants = {one.entity: one for one in made.product.variants}
    one = variants.get(id)
    entity = codec.Entity(id, made.product.id, *[catalogue.BEGAN] * 3, made.product.by, made.stock.get(id, {}))
    return entity if one is None else replace(entity, variant=one.id, sku=one.sku)


def _plain(item: Any) -> dict[str, Any]:
    """An item as it travels: bytes in base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
        for name, typed in item.items()
    }


class Kept:
    """The table of jobs, with one in it."""

    def __init__(self) -> None:
        self.job = replace(job(), version=1)
        self.steps = 0

    def record(self, changed: Job, _also: object = None, /) -> bool:
        """Takes what became of the job through the form that its item has."""
        self.job = jobs.decode({**jobs.encode(changed), "version": self.job.version + 1})
        self.steps += 1
        return True


def export(count: int) -> dict[str, float]:
    """Exports a catalogue; answers what it took."""
    kept, pages = Kept(), Pages(count)
    with (
        files() as there,
        replaced_send(pages.instead),
        patch.object(working, "Recorder", lambda _: kept.record),
        patch.object(working, "_is_permitted", lambda _: True),
        patch.object(working.BatchJobs, "find", lambda *_: kept.job),
    ):
        begun = time.process_time()
        assert Stretch(working.BatchJobs(), {"job": kept.job.id}).run(lambda: False)
        seconds = time.process_time() - begun - pages.seconds
    assert kept.job.status == COMPLETED, kept.job
    assert kept.job.result is not None
    assert kept.job.result["count"] == count
    return {"seconds": seconds, "bytes": there.bytes, "steps": kept.steps, "peak": peak_memory() / 1024}


def measured(count: int) -> dict[str, float]:
    """One export, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.product_export", str(count)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(ended.stdout)
    return found


# The local engine.


def engine() -> list[tuple[float, float]]:
    """Seconds from POST to completed, and of these from the first step to the last, of some exports."""
    home = HOME / "benchmark"
    shutil.rmtree(home, ignore_errors=True)
    stack = LocalStack(home, free_port())
    before = dict(os.environ)
    try:
        stack.up()
        os.environ.update(stack.environment)
        aws.forget()
        enter()
        catalogue.fill(SMALL, variants=VARIANTS)
        token = {"Authorization": f"Token {stack.settings['TOKEN']}"}
        with httpx.Client(base_url=stack.base_url, headers=token, timeout=60, trust_env=False) as client:
            followed(client)
            return [followed(client) for _ in range(ROUNDS)]
    finally:
        os.environ.clear()
        os.environ.update(before)
        aws.forget()
        stack.down()


def enter() -> None:
    """Takes the names of the stack's tables, of which one that was packaged earlier may not have all."""
    operator.enter(STACK)
    missing = [name for name in aws.environment() if name.endswith("_TABLE") and name not in os.environ]
    if missing:
        raise MissingToolError(f"what is packaged has no {', '.join(missing)}; `make build` packages what is here")


def followed(client: httpx.Client) -> tuple[float, float]:
    """An export of everything, asked for until it is there."""
    begun = time.monotonic()
    made = client.post("/admin/batch-jobs", json={"type": EXPORT, "context": {}}).raise_for_status().json()
    while True:
        found = client.get(f"/admin/batch-jobs/{made['batch_job']['id']}").raise_for_status().json()["batch_job"]
        if found["status"] == COMPLETED:
            assert found["result"]["count"] == SMALL
            whole = time.monotonic() - begun
            return whole, _moment(found["completed_at"]) - _moment(found["confirmed_at"])
        assert time.monotonic() - begun < 120, found
        time.sleep(0.05)


def _moment(text: str) -> float:
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float(text[19:-1])


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
    transact(lambda unit: jobs.add(unit, asked))
    with files():
        cost(
            f"export {SMALL:,} products of two variants",
            lambda: Stretch(working.BatchJobs(), {"job": asked.id}).run(lambda: False),
        )
    return found


def run() -> list[Result]:
    small, large = measured(SMALL), measured(LARGE)
    rounds = engine()
    whole, processing = (median(values) for values in zip(*rounds, strict=True))
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
