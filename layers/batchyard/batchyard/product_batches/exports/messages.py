"""From the table to those who do the work: a message for each export that has work left."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.errors import Unavailable
from batchyard.jsontext import dumps
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.sort_keys import names_in
from batchyard.store import items, queues

_AT_ONCE = 10


def start_work(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Tells the workers of new exports; answers the sequence number of the first record that failed, None if none did.

    Args:
        records: Records of the table's change stream.
    """
    for position in range(0, len(records), _AT_ONCE):
        part = records[position : position + _AT_ONCE]
        try:
            announce([message for record in part if (message := _message(record)) is not None])
        except Unavailable:
            return str(part[0]["dynamodb"]["SequenceNumber"])
    return None


def announce(messages: Sequence[Mapping[str, str]]) -> None:
    """Tells the workers of exports that have work left, ten at most.

    Raises:
        Unavailable: The queue did not take it.
    """
    queues.send(os.environ["EXPORTS_QUEUE_URL"], [dumps(message) for message in messages])


def _message(record: Mapping[str, Any]) -> dict[str, str] | None:
    key = items.decode(record["dynamodb"]["Keys"])
    if record["eventName"] != "INSERT" or not str(key["sort_key"]).startswith("export "):
        return None
    return work_on(*names_in(key))


def work_on(batch: BatchKey, id: str) -> dict[str, str]:
    """The message that an export has work left."""
    return {"collection": batch.collection, "product": batch.product, "batch": batch.id, "export": id}
