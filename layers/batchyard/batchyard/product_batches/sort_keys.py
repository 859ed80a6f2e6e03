"""Keys of the table `ProductBatches`, whose partition is a collection, and queries for items by them.

Sort keys begin with the kind of the item:

- `batch <batch> <product>`: a batch.
- `lot <GTIN> <lot>`: the first batch that has this GTIN and lot.
- `lot <GTIN> <lot> <batch> <product>`: another batch that has them, or one that has a GTIN and no lot.
- `counter`: the next index that was never handed out in the collection.
- `serials <last index>`: a stretch of one block's serials, with their statuses as runs. A block begins as one stretch
  of one run, and stretches tile it without gaps: the first stretch at or after an index tells whose it is.
- `change <batch> <product> <id>`: one change of serials' statuses, with what it changed. It outlives its batch.
- `export <batch> <product> <id>`: one export of the serials, and how far it is (`exports`).
- `scan <index>`: how often a serial was looked up in public.

IDs hold no character that sorts before `$`, so a space between them keeps the order of the IDs.
"""

from collections.abc import Mapping
from typing import Any

from batchyard.product_batches.rules import BatchKey
from batchyard.store import items
from batchyard.store.items import Key, Value
from batchyard.store.tables import PRODUCT_BATCHES

LAST_INDEX = 10**15 - 1
"""The greatest index that a serial can have."""

_DIGITS = len(str(LAST_INDEX))


def key_of(batch: BatchKey) -> Key:
    """The key of a batch's item."""
    return {"collection_id": batch.collection, "sort_key": f"batch {batch.id} {batch.product}"}


def lot_key(collection: str, gtin: str, lot: str) -> Key:
    """The key of the item that tells which batch has a GTIN and a lot."""
    return {"collection_id": collection, "sort_key": f"lot {gtin} {lot}"}


def pointer_key(batch: BatchKey, gtin: str, lot: str) -> Key:
    """The key of the item by which a batch is found that does not hold its GTIN and its lot, which may be empty."""
    return {"collection_id": batch.collection, "sort_key": f"lot {gtin} {lot} {batch.id} {batch.product}"}


def counter_key(collection: str) -> Key:
    """The key of the item that hands out indices."""
    return {"collection_id": collection, "sort_key": "counter"}


def serials_key(collection: str, last: int) -> Key:
    """The key of the stretch of serials that ends at an index."""
    return {"collection_id": collection, "sort_key": f"serials {last:0{_DIGITS}}"}


def change_key(batch: BatchKey, id: str) -> Key:
    """The key of the item of a change of serials."""
    return {"collection_id": batch.collection, "sort_key": f"change {batch.id} {batch.product} {id}"}


def export_key(batch: BatchKey, id: str) -> Key:
    """The key of the item of an export."""
    return {"collection_id": batch.collection, "sort_key": f"export {batch.id} {batch.product} {id}"}


def scan_key(collection: str, index: int) -> Key:
    """The key of the item that tells how often a serial was looked up in public."""
    return {"collection_id": collection, "sort_key": f"scan {index:0{_DIGITS}}"}


def names_in(item: Mapping[str, Value]) -> tuple[BatchKey, str]:
    """The batch of the item of a change or an export, and the ID of that itself."""
    _, batch, product, id = str(item["sort_key"]).split(" ")
    return BatchKey(str(item["collection_id"]), product, batch), id


def beginning(collection: str, prefix: str) -> dict[str, Any]:
    """A consistent query for the items of a collection whose sort keys begin like this."""
    return {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection AND begins_with(sort_key, :prefix)",
        "ExpressionAttributeValues": items.encode({":collection": collection, ":prefix": prefix}),
        "ConsistentRead": True,
    }


def between(collection: str, low: str | int, high: str | int) -> dict[str, Any]:
    """A consistent query for the items of a collection between two sort keys, both included."""
    return {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection AND sort_key BETWEEN :low AND :high",
        "ExpressionAttributeValues": items.encode({":collection": collection, ":low": low, ":high": high}),
        "ConsistentRead": True,
    }
