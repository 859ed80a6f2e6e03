"""The change streams of tables, as Lambda gets them: what moto recorded of a table's writes; and messages of queues."""

import itertools
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.tables import BATCH_REQUESTS, Table
from tests.support import permissions
from tests.support.api import Context
from tests.support.aws import CREDENTIALS
from tools import aws_events

_numbers = itertools.count()


class Stream:
    """A reader of a table's stream, from its beginning."""

    def __init__(self, table: Table = BATCH_REQUESTS) -> None:
        self._table = table
        self._position = 0

    def read(self) -> list[dict[str, Any]]:
        """The records since the last call, in the shape of a Lambda event's."""
        # Looked up each time: after a transaction that failed, moto goes on with a copy of its tables.
        backend = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][CREDENTIALS["AWS_REGION"]]
        shard = backend.tables[self._table.name].stream_shard
        assert shard is not None
        records = shard.items[self._position :]
        self._position += len(records)
        return [_as_lambda_has_it(record.to_json()) for record in records]


def deliver(handler: Any, records: list[dict[str, Any]]) -> Any:
    """Hands records to a trigger, as Lambda's event source mapping does."""
    with permissions.acting(f"{handler.__module__}.handler"):
        return handler({"Records": records}, Context())


def deliver_messages(handler: Any, *bodies: str | dict[str, Any], context: Context | None = None) -> list[int]:
    """Hands messages to a trigger, as Lambda does with a queue's.

    Args:
        handler: The trigger.
        bodies: Texts, or what they hold as JSON.
        context: Where it is not one with plenty of time.

    Returns:
        The positions of those to deliver again.
    """
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    records = [aws_events.message(text, id=str(number)) for number, text in enumerate(texts)]
    with permissions.acting(f"{handler.__module__}.handler"):
        answer = handler({"Records": records}, context or Context())
    return [int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]


def _as_lambda_has_it(record: dict[str, Any]) -> dict[str, Any]:
    told = record["dynamodb"]
    made = aws_events.change(next(_numbers), told["Keys"], told.get("OldImage"), told.get("NewImage"))
    # By its own number, whoever reads the stream once more knows it again.
    made["dynamodb"]["SequenceNumber"] = told["SequenceNumber"]
    return made


def held(table: Table) -> list[Item]:
    """All items of a table, as moto has them: no call, and a hundredth of the time of one."""
    backend = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][CREDENTIALS["AWS_REGION"]]
    return [items.decode(item.to_json()["Attributes"]) for item in backend.tables[table.name].all_items()]


def kept_tables() -> Callable[[], None]:
    """What brings all tables back to what they are now, and their streams."""
    backend = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][CREDENTIALS["AWS_REGION"]]
    kept = deepcopy(backend.tables)

    def bring_back() -> None:
        backend.tables = deepcopy(kept)

    return bring_back
