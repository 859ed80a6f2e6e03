"""Warm CPU of a request, beside the bare calls that it needs and a plain answer: by boto3, and by our own client.

All sides make the same calls with the same parameters, and get the same recorded bytes as answers where botocore
would send them: what is measured is Python's CPU on this side of the network, botocore's own included.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any
from unittest.mock import patch

import boto3
from botocore import xform_name
from botocore.client import BaseClient
from botocore.serialize import SERIALIZERS, JSONSerializer

from batchyard.store import clients
from batchyard.store.tables import EPHEMERA
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.load import COLLECTION, PAGE_SIZE, Page, objects
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.store_cost import FULL_CHANNEL, fill
from tests.benchmarks.wire import Tape, replaced_send
from tests.benchmarks.world import CHANNEL, call, stores
from tests.support.api import Api, Context
from tests.support.aws import forget

SIZE = 100
ROUNDS = 15
SECONDS_A_SIDE = 0.1
# The method of botocore's clients that every call goes through.
MADE = "_make_api_call"

Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@dataclass(frozen=True)
class Measured:
    """Milliseconds of CPU of one request on each side, and the ratios to ours: medians of the rounds."""

    ours: float
    boto3: float
    trimmed: float
    to_boto3: float
    to_trimmed: float


@contextmanager
def noted() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The calls that are made meanwhile, as names of client methods and their parameters."""
    calls: list[tuple[str, dict[str, Any]]] = []
    original = getattr(BaseClient, MADE)

    def noting(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((xform_name(operation), parameters))
        return original(client, operation, parameters)

    with patch.object(BaseClient, MADE, noting):
        yield calls


def untouched() -> Any:
    """A client as boto3 makes it, with botocore's own serializer, which our clients replace in this process."""
    serializers: dict[str, Any] = SERIALIZERS
    with patch.dict(serializers, {"json": JSONSerializer}):
        return boto3.client("dynamodb")


def bare(client: Any, calls: list[tuple[str, dict[str, Any]]], body: str) -> Handler:
    """The least that can be written for the same request: its calls, and the answer as JSON."""
    plain = json.loads(body)

    def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
        if event["body"]:
            json.loads(event["body"])
        for method, parameters in calls:
            getattr(client, method)(**parameters)
        return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(plain)}

    return handler


def seconds(handler: Handler, event: dict[str, Any], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        handler(event, Context())
    return time.process_time() - start


def compare(method: str, target: str, body: object = None) -> Measured:
    event, name = Api().event(method, target, body)
    module, _, function = name.rpartition(".")
    ours: Handler = getattr(import_module(module), function)
    # A new execution environment, so that the leases which many requests share are on the tape too.
    forget()
    tape = Tape()
    with replaced_send(tape.record), noted() as calls:
        answer = ours(event, Context())
    if answer["statusCode"] >= 300:
        raise RuntimeError(f"{method} {target} answered {answer['statusCode']}: {answer['body'][:500]}")
    own = [(made, given) for made, given in calls if (made, given.get("TableName")) != ("update_item", EPHEMERA.name)]
    sides = (ours, *(bare(client, own, answer["body"]) for client in (untouched(), clients.dynamodb())))
    with replaced_send(tape.replay):
        repeats = [max(1, round(SECONDS_A_SIDE / (seconds(side, event, 20) / 20))) for side in sides]
        rounds = [
            [1000 * seconds(side, event, count) / count for side, count in zip(sides, repeats, strict=True)]
            for _ in range(ROUNDS)
        ]
    return Measured(
        *(median(one[side] for one in rounds) for side in range(3)),
        *(median(one[0] / one[side] for one in rounds) for side in (1, 2)),
    )


def measure() -> dict[str, Measured]:
    collection = COLLECTION.format(channel=CHANNEL)

    def opened(**body: object) -> str:
        target = f"{collection}{call('POST', collection, {'channel': CHANNEL})['pk']}/"
        if body:
            call("PATCH", target, body)
        return target

    committed = {"status": "commit", "objects": objects(SIZE)}
    fill(FULL_CHANNEL, 3 * PAGE_SIZE, SIZE)
    page = Page("", "").target(FULL_CHANNEL)
    return {
        f"retrieve, {SIZE} objects": compare("GET", opened(**committed)),
        "create": compare("POST", collection, {"channel": CHANNEL}),
        f"status move, {SIZE} objects": compare("PATCH", opened(**committed), {"status": "sent_to_remote"}),
        f"commit {SIZE} objects": compare("PATCH", opened(), committed),
        f"page of {PAGE_SIZE} × {SIZE} objects": compare("GET", page),
        f"page of {PAGE_SIZE} × {SIZE} objects, status=done": compare("GET", f"{page}&status=done"),
    }


def run() -> list[Result]:
    with DynamoDBLocal() as engine, stores(engine.endpoint):
        found = measure()
    return [
        Result(
            "Warm CPU of one request beside the bare calls that it needs",
            ["request", "Batchyard, ms", "bare, untouched boto3, ms", "ratio", "bare, our client, ms", "ratio"],
            [
                [
                    name,
                    number(one.ours, 2),
                    number(one.boto3, 2),
                    ratio(one.to_boto3),
                    number(one.trimmed, 2),
                    ratio(one.to_trimmed),
                ]
                for name, one in found.items()
            ],
            notes=[
                f"Medians of {ROUNDS} rounds in turn, in one process. The network is left out on all sides; the leases"
                " of the request limit and of primary keys are on Batchyard's side alone.",
            ],
            lines=[
                Line(
                    f"Warm CPU: {name}",
                    f"{number(one.ours, 2)} ms",
                    f"{number(theirs, 2)} ms, bare, {what}",
                    ratio(share),
                    asked,
                )
                for name, one in found.items()
                for what, theirs, share, asked in (
                    ("our client", one.trimmed, one.to_trimmed, "≤ 1.1"),
                    ("untouched boto3", one.boto3, one.to_boto3, ""),
                )
            ],
        )
    ]


if __name__ == "__main__":
    main(run)
