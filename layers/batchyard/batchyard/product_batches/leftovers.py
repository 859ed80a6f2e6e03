"""What a removed batch leaves behind: its serials, their scans, and the exports. It is removed afterwards.

Changes of statuses stay, for whoever asks what became of the serials.

A batch of the same ID may have been made anew meanwhile. What was the removed one's own is told by the indices of its
blocks, which are never handed out again, and by when it was made.

All of a collection is in one partition, whose 1,000 write units a second are the requests' first: so what may be
millions of items is removed at a pace.
"""

import json
import time
from collections.abc import Callable, Iterator
from itertools import batched

from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.product_batches.sort_keys import beginning, between, scan_key, serials_key
from batchyard.store.items import Key
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import MOST_DELETES, delete_many

UNITS_A_SECOND = 250
"""Write units of a partition that removing takes."""

_WHOSE = {
    "ProjectionExpression": "collection_id, sort_key, made",
}
"""For queries of keys alone, and of what tells whose an item is."""


def notice(batch: ProductBatch) -> str:
    """The message that a batch was removed."""
    named = {
        "collection": batch.collection,
        "product": batch.product,
        "batch": batch.id,
        "created": batch.created,
        "blocks": [[block.first, block.size, block.key, block.made] for block in batch.blocks],
    }
    return json.dumps(named, separators=(",", ":"))


def remove(told: str, time_is_up: Callable[[], bool]) -> bool:
    """Removes what a removed batch left behind; what is gone already does not matter.

    Args:
        told: The message that it was removed.
        time_is_up: Whether to leave the rest for another time; asked after each step.

    Returns:
        Whether nothing is left.

    Raises:
        Unavailable: The store did not take it.
    """
    named = json.loads(told)
    removed = ProductBatch(
        named["collection"],
        named["product"],
        named["batch"],
        blocks=tuple(Block(*block) for block in named["blocks"]),
        created=named["created"],
    )
    for keys in batched(_keys(removed), MOST_DELETES, strict=False):
        began = time.monotonic()
        units = delete_many(PRODUCT_BATCHES, keys)
        if time_is_up():
            return False
        # Each takes one at least, whatever an engine tells of it.
        _rest(max(units, len(keys)) / UNITS_A_SECOND - (time.monotonic() - began))
    return True


def _rest(seconds: float) -> None:
    time.sleep(max(0.0, seconds))


def _keys(removed: ProductBatch) -> Iterator[Key]:
    for block in removed.blocks:
        yield from _serial_keys(removed.collection, block)
    yield from _export_keys(removed)


def _serial_keys(collection: str, block: Block) -> Iterator[Key]:
    """Keys of what is stored of a block's serials: stretches and scans.

    Raises:
        Unavailable: The store did not answer.
    """
    for key_at in (serials_key, scan_key):
        low, high = (str(key_at(collection, index)["sort_key"]) for index in (block.first, block.last))
        yield from map(PRODUCT_BATCHES.key_of, query(between(collection, low, high) | _WHOSE))


def _export_keys(batch: ProductBatch) -> Iterator[Key]:
    """Keys of the exports of a batch, without those of another batch that has its ID now.

    Raises:
        Unavailable: The store did not answer.
    """
    request = beginning(batch.collection, f"export {batch.id} {batch.product} ") | _WHOSE
    found = query(request)
    yield from map(PRODUCT_BATCHES.key_of, (item for item in found if int(item["made"]) == batch.created))
