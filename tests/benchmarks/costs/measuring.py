"""What a run of a function takes: its calls on DynamoDB Local and moto, its CPU on their recorded answers."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import count
from typing import Any
from unittest.mock import patch

from botocore import xform_name

from batchyard import clock
from batchyard.store import clients
from tests.benchmarks.aws import aws_over_http
from tests.benchmarks.costs.prices import REST, Cost
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.wire import Tape, counted, replaced_send
from tests.benchmarks.world import REQUESTS_PER_MINUTE, stores
from tests.support import aws
from tests.support.api import Context
from tools import sample_world
from tools.aws_events import Event
from tools.template import resources

_RUNS = 2
"""Runs whose calls are counted: the first asks for leases, so the least counts."""
_MINUTE_US, _SLOWER = 60_000_000, 20
ROUNDS = 5
SECONDS_A_ROUND = 0.04
_BYTES_OF_A_LOG_EVENT = 26
"""What CloudWatch adds to each."""
_numbers = count(1)
_ENDPOINT = "AWS_ENDPOINT_URL_DYNAMODB"
_NO_LIMITS = dict.fromkeys(("VERIFICATIONS_PER_MINUTE", "FAILED_LOGINS_PER_MINUTE"), str(REQUESTS_PER_MINUTE))
_SMALLEST_COMPRESSED = 1024
"""As the API has it (`MinimumCompressionSize`)."""

type Ask = tuple[str, Event]
"""A handler, `channels.list.handler`, and the event that it gets."""


@contextmanager
def world() -> Iterator[None]:
    """The stores, empty: DynamoDB Local, which counts capacity, and moto for all else."""
    with DynamoDBLocal() as engine, aws_over_http() as others:
        os.environ[_ENDPOINT] = engine.endpoint
        try:
            with stores(others, fill=_fill, keeps_secrets=True) as variables:
                os.environ.update({**variables, **sample_world.VARIABLES, **_NO_LIMITS})
                yield
        finally:
            del os.environ[_ENDPOINT]


def _fill(variables: dict[str, str]) -> None:
    aws.create_bucket(variables)
    aws.create_queues(variables)


def measure(prepare: Callable[[], Ask], check: Callable[[Any], None]) -> Cost:
    """What a run takes in an execution environment that has answered the same before: leases and keys are there.

    Args:
        prepare: Makes the stores ready for a run, and tells which one.
        check: Raises where the result is not what it should be.
    """
    with _within_a_minute():
        return _measured(prepare, check)


def _measured(prepare: Callable[[], Ask], check: Callable[[Any], None]) -> Cost:
    aws.forget()
    tape, runs = Tape(), []
    for _ in range(_RUNS):
        number = next(_numbers)
        _empty()
        with replaced_send(tape.record):
            ask = prepare()
        before, tape = tape, Tape()
        with _rested() as rests, _logged() as written, counted() as calls, replaced_send(tape.record):
            result = _run(ask, number)
        # Leases, which one of the requests before asked for.
        tape.add_missing(before, "UpdateItem")
        runs.append((calls, written.bytes))
        check(result)
    with _rested(), _logged(), replaced_send(tape.replay):
        cpu_ms = _cpu_ms(partial(_run, ask, number), result)
    calls, logged = min(runs, key=lambda run: len(run[0]))
    operations = Counter(call.operation for call in calls.made)
    if rest := round(sum(rests)):
        operations[REST] = rest
    return Cost(operations, calls.reads, calls.writes, cpu_ms, logged, _bytes_of(result))


def _run(ask: Ask, number: int) -> Any:
    """Runs a function, with the chances that a run of this number has: the same calls in the same order."""
    random.seed(number)
    handler, event = ask
    module, _, name = handler.rpartition(".")
    made = (uuid.UUID(int=(number << 64) + one, version=4) for one in count(1))
    with patch("uuid.uuid4", lambda: next(made)):
        return getattr(import_module(module), name)(event, Context())


def _cpu_ms(run: Callable[[], Any], result: Any) -> float:
    """The least of some rounds: what else the machine does only adds to it."""

    def seconds(repeats: int) -> float:
        begun = time.process_time()
        for _ in range(repeats):
            again = run()
        spent = time.process_time() - begun
        if _status(again) != _status(result):
            raise RuntimeError(f"The result is {again} upon the same answers as before, not {result}")
        return spent

    repeats = max(1, round(SECONDS_A_ROUND / (seconds(3) / 3)))
    return min(1000 * seconds(repeats) / repeats for _ in range(ROUNDS))


def _status(result: Any) -> Any:
    return result.get("statusCode") if isinstance(result, dict) else result


def _empty() -> None:
    """Removes all items but leases, which are in this process, too."""
    dynamodb = clients.dynamodb()
    for logical_id, schema in resources("AWS::DynamoDB::Table").items():
        table = os.environ[xform_name(logical_id).upper()]
        names = [part["AttributeName"] for part in schema["KeySchema"]]
        for item in dynamodb.scan(TableName=table)["Items"]:
            key = {name: item[name] for name in names}
            if not str(key).startswith("{'id': {'S': 'requests#"):
                dynamodb.delete_item(TableName=table, Key=key)


def _bytes_of(result: Any) -> int:
    """Bytes of an answer's headers and body as a client gets them that takes gzip."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return 0
    headers = {**(result.get("headers") or {}), **(result.get("multiValueHeaders") or {})}
    body = str(result.get("body") or "")
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    if len(content) >= _SMALLEST_COMPRESSED and "Content-Encoding" not in headers:
        content = gzip.compress(content)
    return sum(len(f"{name}: {value}\r\n") for name, value in headers.items()) + len(content)


@contextmanager
def _within_a_minute() -> Iterator[None]:
    """Has the clock go so slowly that no lease ends with its minute."""
    begun = clock.now()
    minute, real = begun - begun % _MINUTE_US, clock.now
    with patch.object(clock, "now", lambda: minute + (real() - begun) // _SLOWER):
        yield


@contextmanager
def _rested() -> Iterator[list[float]]:
    """Nobody sleeps meanwhile; tells how many seconds it would have been."""
    rests: list[float] = []
    with patch.object(time, "sleep", rests.append):
        yield rests


class _Logged(logging.Handler):
    """Counts the bytes of lines as Lambda writes them in JSON."""

    _LAMBDAS_OWN = ("timestamp", "level", "message", "logger", "requestId")

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self._usual = vars(logging.makeLogRecord({})).keys()

    def emit(self, record: logging.LogRecord) -> None:
        own = [Context.aws_request_id[:24], record.levelname, record.getMessage(), record.name, Context.aws_request_id]
        more = {name: value for name, value in vars(record).items() if name not in self._usual}
        line = {**dict(zip(self._LAMBDAS_OWN, own, strict=True)), **more}
        self.bytes += _BYTES_OF_A_LOG_EVENT + len(json.dumps(line))


@contextmanager
def _logged() -> Iterator[_Logged]:
    root, handler = logging.getLogger(), _Logged()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield handler
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
