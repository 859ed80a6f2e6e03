"""A user whose jobs this process works on, with DynamoDB Local as the store."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from batchyard import clock
from batchyard.batch_jobs import operations, repository
from batchyard.batch_jobs.rules import COMPLETED, DELETE, IMPORT, UNDONE, Job
from batchyard.catalogue.rules import STATUSES
from batchyard.identity import operations as identity
from batchyard.scope import Scope
from batchyard.store.unit import Unit, transact
from tests.benchmarks import jobs
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.jobs import USER, Files, files, work
from tests.benchmarks.product_import.files import key_of
from tests.benchmarks.wire import Calls, Send, body_of, counted, operation_of, replaced_send
from tests.benchmarks.world import stores
from tools import catalogue

SCOPE = Scope(catalogue="write")


class Written:
    """What transactions write, counted from what is sent: DynamoDB Local counts less of them than DynamoDB.

    Attributes:
        items: How many items they put and delete.
        units: Their write units, of tables alone: two for each kB of each item. Of one that is deleted, whose size is
            not told, two.
    """

    def __init__(self) -> None:
        self.items = self.units = 0
        self._lock = threading.Lock()

    def around(self, send: Send) -> Send:
        """What botocore sends its requests by."""

        def counting(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            if operation_of(request) == "TransactWriteItems":
                actions = body_of(request)["TransactItems"]
                with self._lock:
                    self.items += len(actions)
                    self.units += sum(2 * _kilobytes(one.get("Put", {}).get("Item", {})) for one in actions)
            return send(session, request)

        return counting


def _kilobytes(item: dict[str, dict[str, Any]]) -> int:
    """The kB that DynamoDB takes an item for, as it travels: one at least."""
    size = sum(len(name) + _size(*typed) for name, value in item.items() for typed in value.items())
    return max(1, -(-size // 1024))


def _size(kind: str, value: Any) -> int:
    return len(b64decode(value)) if kind == "B" else len(str(value).encode())


class Client:
    """A user whose jobs this process works on, and what they cost."""

    def __init__(self, there: Files) -> None:
        self.spent: dict[str, Calls] = {}
        self.written: dict[str, Written] = {}
        self._files = there
        self._number = 0

    def imported(self, name: str, content: bytes, products: int, **context: Any) -> str:
        """Imports a file; the ID of the job."""
        id = self.asked(IMPORT, content, **context)
        self.cost(name, lambda: work(id))
        self._must_be(id, products)
        return id

    def deleted(self, name: str, products: int) -> str:
        """Removes all products; the ID of the job."""
        id = self.asked(DELETE, filterable_fields={"status": list(STATUSES)})
        self.cost(name, lambda: work(id))
        self._must_be(id, products)
        return id

    def undone(self, name: str, id: str) -> None:
        """Has a job taken back."""

        def act() -> None:
            operations.undo(id, USER, SCOPE)
            work(id)

        self.cost(name, act)
        result = stored(id).result or {}
        assert result["undo"]["status"] == UNDONE, result
        assert not result.get("errors"), result

    def asked(self, kind: str, content: bytes | None = None, **context: Any) -> str:
        """Asks for a job; its ID."""
        self._number += 1
        moment = clock.now() + self._number
        if content is not None:
            key = key_of(moment)
            self._files.path(key).write_bytes(content)
            context["fileKey"] = key
        made = jobs.job(kind, moment, context)
        transact(lambda unit: repository.add(unit, made))
        return made.id

    def cost(self, name: str, act: Callable[[], None]) -> None:
        """Counts the calls of something."""
        written = Written()
        with counted() as calls, replaced_send(written.around):
            act()
        self.spent[name], self.written[name] = calls, written

    def _must_be(self, id: str, products: int) -> None:
        job = stored(id)
        assert job.status == COMPLETED, job
        assert job.result is not None
        assert job.result["products"] == products, job.result


def stored(id: str) -> Job:
    """A job as the store has it."""
    found = repository.get(Unit(), id)
    assert found is not None
    return found


@contextmanager
def store() -> Iterator[Client]:
    """A user with a catalogue of nothing, on DynamoDB Local."""
    with DynamoDBLocal() as local, stores(local.endpoint), files() as there:
        catalogue.fill(0)
        identity.create_user(USER, "correct horse battery", SCOPE)
        yield Client(there)
