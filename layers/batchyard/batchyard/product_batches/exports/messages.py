"""From the table to those who write exports: how a message names one, and a message for each new one."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.sort_keys import names_in
from batchyard.store import items
from batchyard.work import messages


def queue_url() -> str:
    """The queue of those who write exports."""
    return os.environ["EXPORTS_QUEUE_URL"]


def name_of(batch: BatchKey, id: str) -> dict[str, str]:
    """An export as messages name it."""
    return {"collection": batch.collection, "product": batch.product, "batch": batch.id, "export": id}


def named_by(message: Mapping[str, str]) -> tuple[BatchKey, str]:
    """The batch of an export that a message names, and the export's own ID."""
    return BatchKey(message["collection"], message["product"], message["batch"]), message["export"]


def start_work(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Tells the workers of new exports; returns the sequence number of the first record that failed, None if none did.

    Args:
        records: Records of the table's change stream.
    """
    return messages.announce_new(records, queue_url(), _new_in)


def _new_in(record: Mapping[str, Any]) -> dict[str, str] | None:
    key = items.decode(record["dynamodb"]["Keys"])
    if record["eventName"] != "INSERT" or not str(key["sort_key"]).startswith("export "):
        return None
    return name_of(*names_in(key))
