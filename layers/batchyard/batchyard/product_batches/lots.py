"""Which batches of a collection have a GTIN and a lot: items beside the batches, in order of both (`sort_keys`).

The first batch of a GTIN and a lot holds the pair, so that a second one is warned of; when it goes, the next one takes
its place. Every other one that has a GTIN has a pointer of its own, so that all of them are found by their GTIN.

Why: docs/decisions.md#lots-are-found-by-gtin-through-what-holds-the-pair
"""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from batchyard.product_batches import repository
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.sort_keys import beginning, lot_key, pointer_key
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query, scan
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit, transact

_NAMES = ("of_batch", "of_product")

_AT_ONCE = 10
"""Pointers that are read at once; nearly always the first one will do."""


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
        if batch.gtin_and_lot is not None:
            _stays_held(unit, batch.collection, *batch.gtin_and_lot)


def _stays_held(unit: Unit, collection: str, gtin: str, lot: str) -> None:
    """Has the commit fail if who holds a pair is leaving it meanwhile, and sees nobody who could hold it next."""
    held = unit.get(PRODUCT_BATCHES, lot_key(collection, gtin, lot))
    if held is not None:
        unit.put(PRODUCT_BATCHES, held)


def leave(unit: Unit, batch: ProductBatch) -> None:
    """Stages that a batch is not found by its GTIN and lot any more; another one that has the pair holds it then."""
    if (pointer := _pointer(batch)) is None:
        return
    if batch.gtin_and_lot is not None and holder(unit, batch) == batch.key:
        pair = lot_key(batch.collection, *batch.gtin_and_lot)
        next_one = next(_others(unit, batch), None)
        if next_one is None:
            unit.delete(PRODUCT_BATCHES, pair)
        else:
            unit.delete(PRODUCT_BATCHES, PRODUCT_BATCHES.key_of(next_one))
            unit.put(PRODUCT_BATCHES, {**pair, **{name: next_one[name] for name in _NAMES}})
    elif unit.get(PRODUCT_BATCHES, pointer) is not None:
        unit.delete(PRODUCT_BATCHES, pointer)


def _others(unit: Unit, batch: ProductBatch) -> Iterator[Item]:
    """The pointers at other batches that have the GTIN and the lot of a batch, as this unit will leave them."""
    pointer = pointer_key(batch.key, *(batch.gtin_and_lot or ("", "")))
    prefix = str(pointer["sort_key"]).removesuffix(f"{batch.id} {batch.product}")
    staged = (item for _, item in unit.staged(PRODUCT_BATCHES) if item is not None and _is_below(item, batch, prefix))
    stored = query(beginning(batch.collection, prefix) | {"Limit": _AT_ONCE})
    for item in chain(staged, map(partial(unit.adopt, PRODUCT_BATCHES), stored)):
        other = None if item is None else repository.get(unit, named_by(item))
        if item is not None and other is not None and other.gtin_and_lot == batch.gtin_and_lot:
            yield item


def _is_below(item: Item, batch: ProductBatch, prefix: str) -> bool:
    return item["collection_id"] == batch.collection and str(item["sort_key"]).startswith(prefix)


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
    found = holder(unit, batch)
    if found == key:
        return False
    if unit.get(PRODUCT_BATCHES, pointer) is not None:
        if found is not None or batch.gtin_and_lot is None:
            return False
        # Nobody holds its pair since an earlier version removed the first one.
        unit.delete(PRODUCT_BATCHES, pointer)
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
