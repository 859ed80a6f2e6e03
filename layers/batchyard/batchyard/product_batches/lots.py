"""Which batch of a collection has a GTIN and a lot: the first one holds the pair, by an item of its own."""

from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.sort_keys import lot_key
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit


def holder(unit: Unit, batch: ProductBatch) -> BatchKey | None:
    """The batch that holds the GTIN and the lot of a batch, which may have others by now; None for none."""
    if batch.gtin_and_lot is None:
        return None
    item = unit.get(PRODUCT_BATCHES, lot_key(batch.collection, *batch.gtin_and_lot))
    return None if item is None else BatchKey(batch.collection, str(item["of_product"]), str(item["of_batch"]))


def hold(unit: Unit, batch: ProductBatch) -> None:
    """Stages that a batch holds its GTIN and lot, of which `holder` was asked before."""
    if batch.gtin_and_lot is not None:
        key = lot_key(batch.collection, *batch.gtin_and_lot)
        unit.put(PRODUCT_BATCHES, {**key, "of_batch": batch.id, "of_product": batch.product})


def release(unit: Unit, batch: ProductBatch) -> None:
    """Stages that a batch does not hold its GTIN and lot any more, if it does."""
    if batch.gtin_and_lot is not None and holder(unit, batch) == batch.key:
        unit.delete(PRODUCT_BATCHES, lot_key(batch.collection, *batch.gtin_and_lot))
