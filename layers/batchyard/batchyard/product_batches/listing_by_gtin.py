"""Lists of a collection's batches by what their GTIN and their lot number begin with, in order of both.

They are read off the items by which batches are found so (`lots`), whose keys begin with just that. What an item tells
is compared with its batch, which may have changed since.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched

from batchyard import clock
from batchyard.gs1.application_identifiers import is_lot
from batchyard.product_batches import cursors, lots, repository, rules
from batchyard.product_batches.listing import AT_ONCE, ID, MOST_LOOKED_AT, STEP, Page
from batchyard.product_batches.rules import ProductBatch
from batchyard.product_batches.sort_keys import beginning, key_of
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.queries import look_through
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import read_many

GTIN_DIGITS = 14

_OF_GTIN = re.compile(f"[0-9]{{1,{GTIN_DIGITS}}}")
_KIND = "gtin"
"""What cursors of these lists end with, so that those of others are told apart."""


def page(
    collection: str, gtin: str, lot: str | None = None, *, limit: int, product: str | None = None, cursor: str | None
) -> tuple[Page, float]:
    """A page of batches, and the read units that it took to find them.

    Args:
        gtin: What their GTIN begins with.
        lot: What their lot number begins with, where the GTIN is whole; None for any, and for none.
        limit: How many, at most.
        product: Only those of this product.
        cursor: Where the page begins; None for the first.

    Raises:
        Invalid: The cursor is none.
        Unavailable: The store did not answer.
    """
    if not _OF_GTIN.fullmatch(gtin) or (lot is not None and not is_lot(lot)):
        # No GTIN, or no lot, begins with what none can be.
        return Page(iter(()), limit), 0
    prefix = f"lot {gtin}" if lot is None else f"lot {gtin} {lot}"
    request = beginning(collection, prefix) | {"Limit": limit + 1 if product is None else STEP}
    if cursor is not None:
        start: Item = {"collection_id": collection, "sort_key": _position(cursor, prefix)}
        request["ExclusiveStartKey"] = items.encode(start)
    looked = look_through(request, lambda row: product in {None, row["of_product"]}, limit + 1, MOST_LOOKED_AT // STEP)
    rows = looked.items[:limit]
    last = rows[-1] if len(looked.items) > limit else looked.last
    cursors_behind = {lots.named_by(row): _cursor(row) for row in rows}
    following = None if last is None else _cursor(last)
    return Page(_batches(rows), limit, following, lambda batch: cursors_behind[batch.key]), looked.units


def _batches(rows: Sequence[Item]) -> Iterator[ProductBatch]:
    """The batches that rows name and that still have what these tell, each once, read as far as they are taken."""
    for some in batched(rows, AT_ONCE, strict=False):
        keys = dict.fromkeys(map(lots.named_by, some))
        found = {batch.key: batch for batch in map(repository.decode, read_many(PRODUCT_BATCHES, map(key_of, keys)))}
        for row in some:
            batch = found.get(lots.named_by(row))
            if batch is not None and _tells(row, batch):
                yield rules.as_of(found.pop(batch.key), clock.now())


def _tells(row: Mapping[str, object], batch: ProductBatch) -> bool:
    _, gtin, lot, *_ = str(row["sort_key"]).split(" ")
    return (batch.fields.get("gtin"), batch.lot or "") == (gtin, lot)


def _cursor(row: Item) -> str:
    _, *parts = str(row["sort_key"]).split(" ")
    return cursors.encode(*parts, _KIND)


def _position(cursor: str, prefix: str) -> str:
    """The sort key that a cursor leads to; the store takes none that is not on the way."""
    match cursors.decode(cursor):
        case [str(gtin), str(lot), *own, "gtin"] if _is_named(own) and (is_lot(lot) or (own and not lot)):
            position = " ".join(["lot", gtin, lot, *own])
            if len(gtin) == GTIN_DIGITS and _OF_GTIN.fullmatch(gtin) and position.startswith(prefix):
                return position
    raise cursors.refused()


def _is_named(own: Sequence[object]) -> bool:
    match own:
        case []:
            return True
        case [str(batch), str(product)]:
            return bool(ID.fullmatch(batch) and ID.fullmatch(product))
    return False
