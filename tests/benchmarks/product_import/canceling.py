"""What is still written of an import after it is canceled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from batchyard.batch_jobs import operations
from batchyard.batch_jobs.imports import gates
from batchyard.batch_jobs.rules import CANCELED, IMPORT, UNDONE
from batchyard.store.tables import BATCH_JOBS
from tests.benchmarks.jobs import USER, work
from tests.benchmarks.product_import.files import PRODUCTS, file_of
from tests.benchmarks.product_import.store import SCOPE, store, stored
from tests.benchmarks.report import Line, Result, number
from tests.benchmarks.wire import Send, body_of, operation_of, replaced_send

WRITTEN_BEFORE = 10
"""Transactions that are written of an import before it is canceled."""


class Canceler:
    """Cancels an import in the middle of its writing, and counts what is written of it behind that.

    Args:
        then: Called with the ID of the job once it is canceled.

    Attributes:
        written: Transactions that wrote products after the cancel had been answered.
        refused: Such that were refused.
        seconds: From that answer to the one to the last transaction that wrote.
    """

    def __init__(self, then: Callable[[str], None]) -> None:
        self.written = self.refused = 0
        self.seconds = 0.0
        self._then = then
        self._before = 0
        self._canceled_at: float | None = None
        self._lock = threading.Lock()

    def around(self, send: Send) -> Send:
        """What botocore sends its requests by."""

        def watching(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            job, canceled_at = _written_by(request), self._canceled_at
            response = send(session, request)
            if job is not None and canceled_at is not None:
                self._count(response, canceled_at)
            elif job is not None and self._is_time():
                operations.cancel(job, USER, SCOPE)
                self._canceled_at = time.monotonic()
                self._then(job)
            return response

        return watching

    def _count(self, response: AWSResponse, canceled_at: float) -> None:
        with self._lock:
            if response.status_code == httpx.codes.OK:
                self.written += 1
                self.seconds = time.monotonic() - canceled_at
            else:
                self.refused += 1

    def _is_time(self) -> bool:
        with self._lock:
            self._before += 1
            return self._before == WRITTEN_BEFORE


def canceled(*, followed: bool) -> Canceler:
    """Cancels an import, and has it taken back.

    Args:
        followed: Another worker begins to take it back at once, as the change of the job has it told to; else the one
            that writes comes to that itself, after its step.
    """
    others: list[threading.Thread] = []

    def follow(id: str) -> None:
        if followed:
            others.append(threading.Thread(target=work, args=(id,)))
            others[0].start()

    canceler = Canceler(follow)
    with store() as client:
        id = client.asked(IMPORT, file_of(PRODUCTS))
        with replaced_send(canceler.around):
            work(id)
            for thread in others:
                thread.join()
        job = stored(id)
        assert job.status == CANCELED, job
        assert (job.result or {})["undo"]["status"] == UNDONE, job.result
    return canceler


def _written_by(request: AWSPreparedRequest) -> str | None:
    """The job that a transaction writes products of: it goes through one of the job's gates."""
    if operation_of(request) != "TransactWriteItems":
        return None
    for action in body_of(request)["TransactItems"]:
        put = action.get("Put")
        if put is not None and put["TableName"] == BATCH_JOBS.name and put["Item"]["part"]["S"].startswith("gate "):
            return str(put["Item"]["id"]["S"])
    return None


def canceling() -> Result:
    """What is still written after a cancel."""
    found = {
        "another worker takes it back at once": canceled(followed=True),
        "the worker that writes comes to it by itself": canceled(followed=False),
    }
    return Result(
        f"An import of {PRODUCTS:,} products, canceled after {WRITTEN_BEFORE} of its transactions",
        ["", "transactions written after the cancel", "refused", "seconds to the last written"],
        [[name, number(one.written), number(one.refused), number(one.seconds, 2)] for name, one in found.items()],
        lines=[
            Line(f"Transactions after a cancel, where {name}", number(one.written), "", "", f"≤ {gates.GATES}")
            for name, one in found.items()
        ],
    )
