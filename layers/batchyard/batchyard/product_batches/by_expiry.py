"""What is due at a moment, of all collections: batches that expire, and exports that are to be looked at.

An index has all of it. It is spread over shards by the items' keys, since one partition takes 1,000 write units a
second, and this one is of the whole service.
"""

import zlib
from collections.abc import Iterator
from heapq import merge
from typing import Any

from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES

SHARDS = 16

# Of each shard something is held until all that is due before it has been taken.
_AT_ONCE = 200


def attributes(kind: str, key: Key, moment_us: int) -> Item:
    """What an item has more so that it is due.

    Args:
        kind: What is due, in one word.
        key: The item's key.
        moment_us: When, in microseconds since the Unix epoch.
    """
    shard = zlib.crc32(f"{key['collection_id']} {key['sort_key']}".encode()) % SHARDS
    return {"expiring": _partition(kind, shard), "expires_at": moment_us}


def until(kind: str, moment_us: int) -> Iterator[Item]:
    """The keys of what is due by a moment, as the index has them: what has been due the longest comes first.

    Raises:
        Unavailable: The store did not answer.
    """
    shards = (query(_request(_partition(kind, shard), moment_us)) for shard in range(SHARDS))
    return merge(*shards, key=lambda item: int(item["expires_at"]))


def _partition(kind: str, shard: int) -> str:
    return f"{kind} {shard}"


def _request(partition: str, moment_us: int) -> dict[str, Any]:
    return {
        "TableName": PRODUCT_BATCHES.name,
        "IndexName": "by_expiry",
        "KeyConditionExpression": "expiring = :partition AND expires_at <= :moment",
        "ExpressionAttributeValues": items.encode({":partition": partition, ":moment": moment_us}),
        "Limit": _AT_ONCE,
    }
