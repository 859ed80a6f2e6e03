"""What a removed batch leaves behind: its serials, their scans and changes, and the exports. It is removed afterwards.

A batch of the same ID may have been made anew meanwhile. What was the removed one's own is told by the indices of its
blocks, which are never handed out again, and by when it was made.
"""

import json
from collections.abc import Callable, Iterator
from itertools import batched

from batchyard.product_batches import repository
from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.store.items import Key
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import MOST_DELETES, delete_many


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
        delete_many(PRODUCT_BATCHES, keys)
        if time_is_up():
            return False
    return True


def _keys(removed: ProductBatch) -> Iterator[Key]:
    for block in removed.blocks:
        yield from repository.serial_keys(removed.collection, block)
    yield from repository.story_keys(removed)
