"""Warm CPU of a request, beside the bare boto3 calls that it needs and a plain answer.

Both sides make the same calls with the same parameters, and get the same recorded bytes as answers where botocore
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
    """Milliseconds of CPU of one request, and the ratio of the two sides: the median of the rounds."""

    ours: float
    bare: float
    ratio: float


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


def bare(calls: list[tuple[str, dict[str, Any]]], body: str) -> Handler:
    """The least that can be written for the same request: its calls by a boto3 client, and the answer as JSON."""
    client = boto3.client("dynamodb")
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
    theirs = bare(own, answer["body"])
    with replaced_send(tape.replay):
        repeats = [max(1, round(SECONDS_A_SIDE / (seconds(side, event, 20) / 20))) for side in (ours, theirs)]
        rounds = [
            [1000 * seconds(side, event, count) / count for side, count in zip((ours, theirs), repeats, strict=True)]
            for _ in range(ROUNDS)
        ]
    return Measured(
        median(mine for mine, _ in rounds),
        median(bare for _, bare in rounds),
        median(mine / bare for mine, bare in rounds),
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
            "Warm CPU of one request beside the bare boto3 calls that it needs",
            ["request", "Batchyard, ms", "bare boto3, ms", "ratio"],
            [[name, number(one.ours, 2), number(one.bare, 2), ratio(one.ratio)] for name, one in found.items()],
            notes=[
                f"Medians of {ROUNDS} rounds in turn, in one process. The network is left out on both sides; the leases"
                " of the request limit and of primary keys are on Batchyard's side alone.",
            ],
            lines=[
                Line(
                    f"Warm CPU: {name}",
                    f"{number(one.ours, 2)} ms",
                    f"{number(one.bare, 2)} ms, bare boto3",
                    ratio(one.ratio),
                    "≤ 1.5",
                )
                for name, one in found.items()
            ],
        )
    ]


if __name__ == "__main__":
    main(run)
