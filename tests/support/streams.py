"""The change streams of tables, as Lambda gets them: what moto recorded of a table's writes."""

import base64
import itertools
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from batchyard.store.tables import BATCH_REQUESTS, Table
from tests.support.api import Context
from tests.support.aws import CREDENTIALS

_event_ids = itertools.count()


class Stream:
    """A reader of a table's stream, from its beginning.

    Args:
        table: The table.
    """

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
    return handler({"Records": records}, Context())


def _as_lambda_has_it(record: dict[str, Any]) -> dict[str, Any]:
    change = record["dynamodb"]
    return {
        "eventID": f"{next(_event_ids):032x}",
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": CREDENTIALS["AWS_REGION"],
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/2026-11-22T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795401019.0,
            **{name: _image(change[name]) for name in ("Keys", "OldImage", "NewImage") if change.get(name)},
            "SequenceNumber": change["SequenceNumber"],
            "SizeBytes": 300,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def _image(attributes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """An item's attributes in JSON, where binary values are base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
        for name, typed in attributes.items()
    }
