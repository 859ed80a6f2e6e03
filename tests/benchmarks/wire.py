"""The calls that botocore sends, seen below all of it: what they are, what they cost, and canned answers to them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})

Send = Callable[[URLLib3Session, Any], AWSResponse]


@dataclass(frozen=True)
class Call:
    """One call to AWS.

    Args:
        operation: DynamoDB's name of it, or `S3 PUT` and the like.
        tables: The tables that it touches.
        units: Consumed capacity over tables and indexes.
    """

    operation: str
    tables: tuple[str, ...]
    units: float


@dataclass
class Calls:
    """The calls of one measured stretch."""

    made: list[Call] = field(default_factory=list)

    def without(self, operation: str, table: str) -> Calls:
        """The same without calls of one operation on one table."""
        return Calls([call for call in self.made if (call.operation, call.tables) != (operation, (table,))])

    @property
    def units(self) -> float:
        return self.reads + self.writes

    @property
    def reads(self) -> float:
        return sum(call.units for call in self.made if call.operation in READS)

    @property
    def writes(self) -> float:
        return sum(call.units for call in self.made if call.operation not in READS)

    def __len__(self) -> int:
        return len(self.made)

    def __str__(self) -> str:
        counted = Counter(call.operation for call in self.made)
        return " + ".join(f"{count} {operation}" for operation, count in counted.items()) or "none"


def body_of(request: AWSPreparedRequest) -> dict[str, Any]:
    assert isinstance(request.body, str | bytes)
    body: dict[str, Any] = json.loads(request.body)
    return body


def operation_of(request: AWSPreparedRequest) -> str:
    target = request.headers.get("X-Amz-Target")
    if target is None:
        return f"S3 {request.method}"
    name = target.decode() if isinstance(target, bytes) else str(target)
    return name.rpartition(".")[2]


def tables_of(body: dict[str, Any]) -> tuple[str, ...]:
    if "TableName" in body:
        return (body["TableName"],)
    if "RequestItems" in body:
        return tuple(body["RequestItems"])
    actions = [action for entry in body.get("TransactItems", []) for action in entry.values()]
    return tuple(sorted({action["TableName"] for action in actions}))


def is_dynamodb(request: AWSPreparedRequest) -> bool:
    return "DynamoDB_" in str(request.headers.get("X-Amz-Target"))


def ask_for_capacity(request: AWSPreparedRequest) -> dict[str, Any]:
    """Has the engine tell the consumed capacity, whatever the code asked for; the engine checks no signature."""
    body = body_of(request)
    body["ReturnConsumedCapacity"] = "INDEXES"
    request.body = json.dumps(body).encode()
    request.headers["Content-Length"] = str(len(request.body))
    return body


def units_of(answer: dict[str, Any]) -> float:
    consumed = answer.get("ConsumedCapacity", [])
    entries = consumed if isinstance(consumed, list) else [consumed]
    return float(sum(entry["CapacityUnits"] for entry in entries))


@contextmanager
def replaced_send(make: Callable[[Send], Send]) -> Iterator[None]:
    """Every client's way to the network goes through what `make` builds around the original one."""
    with patch.object(URLLib3Session, "send", make(URLLib3Session.send)):
        yield


@contextmanager
def counted() -> Iterator[Calls]:
    """Counts the calls made meanwhile, with their consumed capacity."""
    calls = Calls()

    def make(send: Send) -> Send:
        def counting(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            if not is_dynamodb(request):
                calls.made.append(Call(operation_of(request), (), 0))
                return send(session, request)
            body = ask_for_capacity(request)
            response = send(session, request)
            calls.made.append(Call(operation_of(request), tables_of(body), units_of(json.loads(response.content))))
            return response

        return counting

    with replaced_send(make):
        yield calls


class Tape:
    """The answers to one request's calls, to be given again as often as that request is repeated.

    Calls are told apart by their operation and, where that does not tell, by table and partition; within these the
    answers are given in their order, round and round.
    """

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, list[AWSResponse]]] = {}

    def record(self, send: Send) -> Send:
        def recording(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            response = send(session, request)
            places = self._answers.setdefault(operation_of(request), {})
            places.setdefault(_place_of(request), []).append(response)
            return response

        return recording

    def replay(self, _: Send) -> Send:
        rounds = {
            operation: {place: cycle(answers) for place, answers in places.items()}
            for operation, places in self._answers.items()
        }

        def replaying(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            places = rounds[operation_of(request)]
            # Bodies can be large, and reading them would be counted: only where there is a choice.
            place = next(iter(places)) if len(places) == 1 else _place_of(request)
            return next(places[place])

        return replaying


def _place_of(request: AWSPreparedRequest) -> str:
    body = body_of(request)
    return f"{tables_of(body)} {body.get('Key', {}).get('id')}"
