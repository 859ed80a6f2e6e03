"""Which batches of a collection have a GTIN and a lot: items beside the batches, in order of both (`sort_keys`).

The first batch of a GTIN and a lot holds the pair, so that a second one is warned of. Every other one that has a GTIN
has a pointer of its own, so that all of them are found by their GTIN.

Why: docs/decisions.md#lots-are-found-by-gtin-through-what-holds-the-pair
"""

from collections.abc import Iterator
from functools import partial

from batchyard.product_batches import repository
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.sort_keys import lot_key, pointer_key
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import scan
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit, transact


def holder(unit: Unit, batch: ProductBatch) -> BatchKey | None:
    """The batch that holds the GTIN and the lot of a batch, which may have others by now; None for none."""
    if batch.gtin_and_lot is None:
        return None
    item = unit.get(PRODUCT_BATCHES, lot_key(batch.collection, *batch.gtin_and_lot))
    return None if item is None else named_by(item)


def twin(unit: Unit, batch: ProductBatch) -> BatchKey | None:
    """Another batch that has the GTIN and the lot of a batch, and holds the pair; None for none."""
    found = holder(unit, batch)
    if found is None or found == batch.key:
        return None
    other = repository.get(unit, found)
    return found if other is not None and other.gtin_and_lot == batch.gtin_and_lot else None


def enter(unit: Unit, batch: ProductBatch, twin: BatchKey | None) -> None:
    """Stages that a batch is found by its GTIN and lot, if it has a GTIN.

    Args:
        twin: The other batch that holds the pair, as `twin` has told; without one, this batch holds it.
    """
    if (pointer := _pointer(batch)) is None:
        return
    named: Item = {"of_batch": batch.id, "of_product": batch.product}
    if batch.gtin_and_lot is not None and twin is None:
        unit.put(PRODUCT_BATCHES, {**lot_key(batch.collection, *batch.gtin_and_lot), **named})
    elif unit.get(PRODUCT_BATCHES, pointer) is None:
        unit.put(PRODUCT_BATCHES, {**pointer, **named})


def leave(unit: Unit, batch: ProductBatch) -> None:
    """Stages that a batch is not found by its GTIN and lot any more, and does not hold the pair."""
    if (pointer := _pointer(batch)) is None:
        return
    if batch.gtin_and_lot is not None and holder(unit, batch) == batch.key:
        unit.delete(PRODUCT_BATCHES, lot_key(batch.collection, *batch.gtin_and_lot))
    elif unit.get(PRODUCT_BATCHES, pointer) is not None:
        unit.delete(PRODUCT_BATCHES, pointer)


def named_by(item: Item) -> BatchKey:
    """The batch of an item that holds a pair, or that points at a batch."""
    return BatchKey(str(item["collection_id"]), str(item["of_product"]), str(item["of_batch"]))


def enter_all() -> int:
    """Has all batches be found by GTIN and lot that earlier versions have not entered; returns how many they were.

    Raises:
        Unavailable: The store did not answer; it can be run again.
    """
    return sum(transact(partial(_enter_former, batch)) for batch in _with_gtin())


def _enter_former(key: BatchKey, unit: Unit) -> bool:
    batch = repository.get(unit, key)
    if batch is None or (pointer := _pointer(batch)) is None:
        return False
    if holder(unit, batch) == key or unit.get(PRODUCT_BATCHES, pointer) is not None:
        return False
    enter(unit, batch, twin(unit, batch))
    return True


def _with_gtin() -> Iterator[BatchKey]:
    rows = scan(
        {
            "TableName": PRODUCT_BATCHES.name,
            "FilterExpression": "begins_with(sort_key, :batch) AND contains(#fields, :gtin)",
            "ProjectionExpression": "collection_id, batch_id, product_id",
            "ExpressionAttributeNames": {"#fields": "fields"},
            "ExpressionAttributeValues": items.encode({":batch": "batch ", ":gtin": '"gtin"'}),
        }
    )
    for row in rows:
        yield BatchKey(str(row["collection_id"]), str(row["product_id"]), str(row["batch_id"]))


def _pointer(batch: ProductBatch) -> Key | None:
    gtin = batch.fields.get("gtin")
    return None if gtin is None else pointer_key(batch.key, str(gtin), batch.lot or "")
