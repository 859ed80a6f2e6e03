"""Dollars of what was measured: `prices.json` has the list prices, each with its date, and what is assumed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "prices.json"

_MILLION = 1_000_000
_DYNAMODB = {
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
}
_TRANSACTIONS = {"TransactGetItems", "TransactWriteItems"}
_PAID_BY_CALL = {
    "S3 PUT": "S3 write",
    "S3 POST": "S3 write",
    "S3 GET": "S3 read",
    "S3 HEAD": "S3 read",
    "S3 DELETE": "S3 delete",
    "SendMessage": "queue request",
    "SendMessageBatch": "queue request",
    "PutEvents": "event",
    "GetSecretValue": "secret call",
}


REST = "s at rest"
"""Seconds that a function waits on purpose, told among its calls."""


@dataclass(frozen=True)
class Cost:
    """What one run of a function takes.

    Args:
        calls: Calls to AWS by their names: `GetItem`, `S3 PUT`.
        reads: Read units.
        writes: Write units.
        cpu_ms: Milliseconds of CPU, warm.
        logged: Bytes that the function itself logs.
        sent: Bytes of the answer as it leaves the gateway, without the headers that this adds.
    """

    calls: Mapping[str, int]
    reads: float
    writes: float
    cpu_ms: float
    logged: int
    sent: int


@dataclass(frozen=True)
class Place:
    """Where it runs.

    Args:
        memory_mb: The function's memory.
        routed: It answers a request through API Gateway.
        authorizer: What the authorizer takes that is asked before each request; None where its answers are kept.
    """

    memory_mb: int
    routed: bool
    authorizer: tuple[Cost, Place] | None = None


@cache
def _file() -> Any:
    return json.loads(FILE.read_text())


def price_list() -> Mapping[str, Any]:
    """The list prices: `usd` for `per` of what `of` says, and since when they are `known of`."""
    found: Mapping[str, Any] = _file()["list prices"]
    return found


def price(name: str) -> float:
    """Dollars of one."""
    one = price_list()[name]
    return float(one["usd"] / one["per"])


def assumed(name: str) -> float:
    """What nothing here can measure."""
    return float(_file()["assumed"][name])


def billed_ms(cost: Cost, memory_mb: int) -> float:
    """Milliseconds that Lambda bills, as if calls were made one after the other: its CPU share is by memory."""
    share = min(1.0, memory_mb / assumed("MB of memory for one processor"))
    return cost.cpu_ms / share + sum(count * _waited_ms(call) for call, count in cost.calls.items())


def dollars_a_million(cost: Cost, place: Place) -> float:
    """Dollars of a million runs, with everything that is paid by use."""
    return _MILLION * _dollars(cost, place)


def _dollars(cost: Cost, place: Place) -> float:
    runs = "a request" if place.routed else "another run"
    by = "the gateway and Lambda log" if place.routed else "Lambda logs"
    found: defaultdict[str, float] = defaultdict(
        float,
        {
            "function request": 1.0,
            "function GB-second": billed_ms(cost, place.memory_mb) / 1000 * place.memory_mb / 1024,
            "read unit": cost.reads,
            "write unit": cost.writes,
            "logged GB": (cost.logged + assumed(f"bytes that {by} of {runs}")) / 1e9,
        },
    )
    for call, count in cost.calls.items():
        if call not in _DYNAMODB | _TRANSACTIONS | {REST}:
            found[_PAID_BY_CALL[call]] += count
    if place.routed:
        found["gateway request"] += 1
        found["firewall request"] += 1
        found["trace"] += assumed("share of requests that is traced")
        found["sent GB"] += (cost.sent + assumed("bytes of headers that the gateway adds")) / 1e9
    before = _dollars(*place.authorizer) if place.authorizer else 0
    return before + sum(amount * price(name) for name, amount in found.items())


def _waited_ms(call: str) -> float:
    if call == REST:
        return 1000
    if call in _TRANSACTIONS:
        return assumed("ms of a DynamoDB transaction")
    if call in _DYNAMODB:
        return assumed("ms of a DynamoDB call")
    return assumed("ms of an S3 call" if call.startswith("S3 ") else "ms of any other call")
