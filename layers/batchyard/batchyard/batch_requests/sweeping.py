"""What keeps the bucket clean: a blob that no item points at is removed.

Blobs are written before the item that points at them, so a crash in between leaves one that nothing needs. Each blob
is looked at once, a quarter of an hour after it was written, and once more when the item lets go of it.
"""

from batchyard.batch_requests import repository
from batchyard.store import blobs
from batchyard.store.tables import BATCH_REQUESTS
from batchyard.store.unit import read_one

POINTERS = ("objects_key", "log_key")
"""Attributes of a batch request's item that hold the key of a blob."""


def sweep(key: str) -> None:
    """Removes a blob unless its batch request points at it.

    Args:
        key: `objects/<channel>/<pk>/<uuid>` or `logs/<channel>/<pk>/<uuid>`.
    """
    channel, pk = map(int, blobs.owner_of(key))
    item = read_one(BATCH_REQUESTS, repository.key_of(channel, pk))
    if item is None or key not in {item.get(name) for name in POINTERS}:
        blobs.delete(key)
