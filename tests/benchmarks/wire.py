"""The calls that botocore sends, seen below all of it: what they are, what they cost, and canned answers to them."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.httpsession import URLLib3Session

from tests.benchmarks import transactions
from tests.benchmarks.transactions import Image, Place

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


def units_of(operation: str, answer: dict[str, Any]) -> float:
    """Consumed capacity; a write whose condition does not hold is charged as one of 1 kB at least."""
    if "ConditionalCheckFailedException" in answer.get("__type", "") and operation not in READS:
        return 1.0
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

    def of_transaction(
        send: Send, session: URLLib3Session, request: AWSPreparedRequest, body: dict[str, Any]
    ) -> AWSResponse:
        keys = transactions.keys(body["TransactItems"])
        before = _images(send, session, request, keys)
        response = send(session, request)
        done = response.status_code < 300
        after = _images(send, session, request, keys) if done else {}
        units = transactions.units(before, after, list(keys)) if done else 0
        calls.made.append(Call("TransactWriteItems", tables_of(body), units))
        return response

    def make(send: Send) -> Send:
        def counting(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            if not is_dynamodb(request):
                calls.made.append(Call(operation_of(request), (), 0))
                return send(session, request)
            body = ask_for_capacity(request)
            operation = operation_of(request)
            if operation == "TransactWriteItems":
                return of_transaction(send, session, request, body)
            response = send(session, request)
            calls.made.append(Call(operation, tables_of(body), units_of(operation, json.loads(response.content))))
            return response

        return counting

    with replaced_send(make):
        yield calls


def _images(
    send: Send, session: URLLib3Session, request: AWSPreparedRequest, keys: dict[Place, Image]
) -> dict[Place, Image]:
    """Items as they are, asked for beside the calls that are counted; the engine checks no signature."""
    asked: dict[str, Any] = {}
    for (table, _), key in keys.items():
        asked.setdefault(table, {"Keys": [], "ConsistentRead": True})["Keys"].append(key)
    found: dict[Place, Image] = {}
    while asked:
        body = json.dumps({"RequestItems": asked}).encode()
        headers = dict(request.headers.items())
        headers |= {"X-Amz-Target": "DynamoDB_20120810.BatchGetItem", "Content-Length": str(len(body))}
        # The types that boto3's stubs give are not those that botocore takes.
        again = AWSPreparedRequest("POST", request.url, HeadersDict(headers), body, False)  # type: ignore[arg-type]
        answer = send(session, again)
        given = json.loads(answer.content)
        for table, items in given["Responses"].items():
            found |= {transactions.place_of(table, item): item for item in items}
        asked = given["UnprocessedKeys"]
    return found


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
            return _afresh(request, response)

        return recording

    def add_missing(self, other: Tape, operation: str) -> None:
        """Takes the answers of another tape to calls that are not on this one, of one operation."""
        if operation in other._answers:
            self._answers[operation] = {**other._answers[operation], **self._answers.get(operation, {})}

    def replay(self, _: Send) -> Send:
        rounds = {
            operation: {place: cycle(answers) for place, answers in places.items()}
            for operation, places in self._answers.items()
        }

        def replaying(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            places = rounds[operation_of(request)]
            # Bodies can be large, and reading them would be counted: only where there is a choice.
            answers = next(iter(places.values())) if len(places) == 1 else places.get(_place_of(request))
            # What is new each time, as the key of an object in S3, has another place each time.
            return _afresh(request, next(answers or list(places.values())[-1]))

        return replaying


def _afresh(request: AWSPreparedRequest, response: AWSResponse) -> AWSResponse:
    """An answer whose body can be read: objects of S3 are read as streams, of which nothing is left then."""
    if "X-Amz-Target" in request.headers:
        return response
    raw = _Raw(response.content)
    return AWSResponse(response.url, response.status_code, response.headers, raw)  # type: ignore[arg-type]


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """The body, as urllib3 gives it."""
        yield self.read()


def _place_of(request: AWSPreparedRequest) -> str:
    if "X-Amz-Target" not in request.headers:
        return str(request.url)
    body = body_of(request)
    return f"{tables_of(body)} {body.get('Key', {}).get('id')}"
