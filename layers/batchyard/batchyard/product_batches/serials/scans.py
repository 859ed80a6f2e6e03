"""How often each serial was looked up in public: a copied code is seen more often than its one item could be."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.product_batches import repository, rules, sort_keys
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.store import clients, items
from batchyard.store.calls import code_of, reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import read_many

SUSPICIOUS = 20
"""Scans of one serial on one day, in UTC, from which on it is flagged."""

_DAY_US = 86_400_000_000
_RACES = 3


@dataclass(frozen=True, slots=True)
class Scans:
    """How often a serial was looked up.

    Args:
        total: In all.
        first: When first, in microseconds since the Unix epoch; None for never.
        last: When last.
        flagged: When it was so often on one day that it is suspicious; None for never.
    """

    total: int = 0
    first: int | None = None
    last: int | None = None
    flagged: int | None = None


def with_batch(batch: BatchKey, index: int) -> tuple[ProductBatch | None, Scans]:
    """A batch and the scans of one of its serials, in one read.

    Raises:
        Unavailable: The store did not answer.
    """
    key, scan_key = sort_keys.key_of(batch), sort_keys.scan_key(batch.collection, index)
    found = {item["sort_key"]: item for item in read_many(PRODUCT_BATCHES, [key, scan_key])}
    item = found.get(key["sort_key"])
    batch_now = None if item is None else rules.as_of(repository.decode(item), clock.now())
    return batch_now, _scans(found.get(scan_key["sort_key"], {}))


def any_of(batch: ProductBatch) -> bool:
    """Whether any serial of a batch was looked up in public.

    Raises:
        Unavailable: The store did not answer.
    """
    for block in batch.blocks:
        low, high = (sort_keys.scan_key(batch.collection, index)["sort_key"] for index in (block.first, block.last))
        one = sort_keys.between(batch.collection, low, high) | {"Limit": 1, "ProjectionExpression": "sort_key"}
        if next(query(one), None) is not None:
            return True
    return False


def count(batch: ProductBatch, index: int) -> None:
    """Counts one scan of a serial, and flags the serial if there were too many today.

    Args:
        index: Its index in the collection.

    Raises:
        Unavailable: The store did not take it.
    """
    now = clock.now()
    values = {":now": now, ":today": now // _DAY_US, ":one": 1}
    stamps = "SET last_scan = :now, first_scan = if_not_exists(first_scan, :now)"
    for _ in range(_RACES):
        again = _update(
            batch.collection, index, f"{stamps} ADD scans :one, day_scans :one", "scan_day = :today", values
        )
        if again is not None:
            if int(again["day_scans"]) >= SUSPICIOUS and "flagged_at" not in again:
                flag = "SET flagged_at = :now, of_batch = :batch, of_product = :product"
                named = {":now": now, ":batch": batch.id, ":product": batch.product}
                _update(batch.collection, index, flag, "attribute_not_exists(flagged_at)", named)
            return
        first = f"{stamps}, scan_day = :today, day_scans = :one ADD scans :one"
        condition = "attribute_not_exists(scan_day) OR scan_day <> :today"
        if _update(batch.collection, index, first, condition, values) is not None:
            return


def _update(collection: str, index: int, change: str, condition: str, values: dict[str, Any]) -> Item | None:
    """Changes the scans of a serial; returns them, or None where the condition does not hold."""
    try:
        with reaching_aws():
            answer = clients.dynamodb().update_item(
                TableName=PRODUCT_BATCHES.name,
                Key=items.encode(sort_keys.scan_key(collection, index)),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=items.encode(values),
                ReturnValues="ALL_NEW",
            )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return None
    return items.decode(answer["Attributes"])


def _scans(item: Item) -> Scans:
    return Scans(
        total=int(item.get("scans", 0)),
        first=items.number(item, "first_scan"),
        last=items.number(item, "last_scan"),
        flagged=items.number(item, "flagged_at"),
    )
