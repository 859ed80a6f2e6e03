"""The transactions of an import, sent to the local engine by boto3 alone: no import is done sooner there."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import boto3

from batchyard import clock, threads
from batchyard.batch_jobs.imports.gates import GATES
from batchyard.batch_jobs.rules import IMPORT
from tests.benchmarks import jobs
from tests.benchmarks.jobs import Kept, files
from tests.benchmarks.product_import.files import PRODUCTS, key_of, pieces
from tests.benchmarks.product_import.reading import NothingThere
from tests.benchmarks.wire import replaced_send


def seconds(number: int) -> float:
    """Seconds that the transactions take by which an import makes a thousand products, in as many threads as it has.

    Args:
        number: Which thousand, from 1: they are others each time, since they stay.
    """
    transactions = _recorded(number)
    client: Any = boto3.client("dynamodb")
    begun = time.monotonic()
    threads.each(lambda actions: client.transact_write_items(TransactItems=actions), transactions, GATES)
    return time.monotonic() - begun


class _Recorder(NothingThere):
    def __init__(self, ids_above: int) -> None:
        super().__init__()
        self._taken = ids_above
        self.transactions: list[list[dict[str, Any]]] = []

    def _answered(self, operation: str, body: dict[str, Any]) -> str:
        if operation == "TransactWriteItems":
            self.transactions.append(body["TransactItems"])
        return super()._answered(operation, body)


def _recorded(number: int) -> list[list[dict[str, Any]]]:
    now = clock.now()
    key = key_of(now)
    kept, recorder = Kept(jobs.job(IMPORT, now, {"fileKey": key}, dry_run=True)), _Recorder(1_000_000 * number)
    with files() as there, replaced_send(recorder.instead):
        with there.path(key).open("w", encoding="utf-8", newline="") as file:
            file.writelines(_thousand(number))
        kept.run()
        kept.job = kept.job.confirmed(clock.now())
        kept.run()
    return [[_sent(action) for action in actions if not _is_gate(action)] for actions in recorder.transactions]


def _thousand(number: int) -> Iterator[str]:
    header, *rows = pieces(PRODUCTS * (number + 1))
    yield header
    yield from islice(rows, PRODUCTS * number, None)


def _is_gate(action: dict[str, Any]) -> bool:
    """Whether it is what all transactions of a thread write, on condition of how the one before has left it."""
    return str(action["Put"]["Item"].get("part", {}).get("S", "")).startswith("gate ")


def _sent(action: dict[str, Any]) -> dict[str, Any]:
    """An action as boto3 takes it: bytes as they are."""
    put = action["Put"]
    item = {
        name: {kind: base64.b64decode(value) if kind == "B" else value for kind, value in typed.items()}
        for name, typed in put["Item"].items()
    }
    return {"Put": {**put, "Item": item}}
