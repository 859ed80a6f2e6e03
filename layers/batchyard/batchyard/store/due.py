"""What is due at a moment, as an index of a table has it.

The index is spread over shards by the items' keys, since one partition takes 1,000 write units a second, and such an
index is of the whole service.

Why: docs/decisions.md#what-is-due-is-spread-over-sixteen-partitions
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Any

from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import Table

SHARDS = 16

# Of each shard something is held until all that is due before it has been taken.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class DueIndex:
    """An index of what is due.

    Args:
        table: The table.
        name: The index's name.
        partition: The attribute that is its partition key.
        moment: The attribute that is its sort key, in microseconds since the Unix epoch.
        had_no_shards: There may be rows of before it had shards, whose partition key is their kind alone.
    """

    table: Table
    name: str
    partition: str
    moment: str
    had_no_shards: bool = False

    def attributes(self, kind: str, key: Key, moment_us: int) -> Item:
        """What an item has more so that it is due.

        Args:
            kind: What is due, in one word.
            key: The item's key.
            moment_us: When.
        """
        shard = zlib.crc32(" ".join(str(key[name]) for name in self.table.key).encode()) % SHARDS
        return {self.partition: _shard_of(kind, shard), self.moment: moment_us}

    def until(self, kind: str, moment_us: int) -> Iterator[Item]:
        """The keys of what is due by a moment, as the index has them: what has been due the longest comes first.

        Raises:
            Unavailable: The store did not answer.
        """
        partitions = [_shard_of(kind, shard) for shard in range(SHARDS)]
        if self.had_no_shards:
            partitions.append(kind)
        found = (query(self._request(partition, moment_us)) for partition in partitions)
        return merge(*found, key=lambda item: int(item[self.moment]))

    def _request(self, partition: str, moment_us: int) -> dict[str, Any]:
        return {
            "TableName": self.table.name,
            "IndexName": self.name,
            "KeyConditionExpression": "#partition = :partition AND #moment <= :moment",
            "ExpressionAttributeNames": {"#partition": self.partition, "#moment": self.moment},
            "ExpressionAttributeValues": items.encode({":partition": partition, ":moment": moment_us}),
            "Limit": _AT_ONCE,
        }


def _shard_of(kind: str, shard: int) -> str:
    return f"{kind} {shard}"
