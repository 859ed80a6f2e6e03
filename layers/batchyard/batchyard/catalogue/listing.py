"""Lists of products for people who look at them: by pages that are counted, in an order, with a filter.

The index that is read has handle, title, status and dates. Without a filter, in order of creation, a page costs what it
holds and what comes before it, and the count one reading of keys; else all of the index is looked through, shard by
shard, and no more is kept of it than the page and what comes before it.
"""

import contextvars
import heapq
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from batchyard.catalogue import codec, repository
from batchyard.catalogue.rules import Product
from batchyard.echoes import echo
from batchyard.errors import Invalid
from batchyard.store import clients
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCTS
from batchyard.store.unit import Unit

CREATED = "created_at"

_ORDERS: dict[str, Callable[[Item], Any]] = {
    CREATED: lambda row: row["created_id"],
    "updated_at": lambda row: (row["updated"], row["id"]),
    "title": lambda row: (str(row.get("title", "")), row["id"]),
    "handle": lambda row: row["handle"],
    "id": lambda row: row["id"],
}
_SHARDS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Page:
    """A page of products.

    Args:
        products: The products, in their order.
        count: How many there are on all pages; a moment behind, as the index is.
    """

    products: list[Product]
    count: int


def page(
    limit: int,
    offset: int = 0,
    *,
    q: str | None = None,
    statuses: frozenset[str] = frozenset(),
    order: str = f"-{CREATED}",
) -> Page:
    """A page of products.

    Args:
        limit: Products on it.
        offset: How many come before it.
        q: What title or handle contain, in whatever case; None for any.
        statuses: The statuses asked for; empty for all.
        order: A column, with `-` before it for the opposite order; ties go by ID.

    Raises:
        Invalid: There is no such order.
        Unavailable: The store did not answer.
    """
    column = order.removeprefix("-")
    if column not in _ORDERS:
        raise Invalid({"order": [f"There is no order {echo(order)}, but {', '.join(_ORDERS)}."]})
    asked = _Asked(offset + limit, (q or "").casefold(), statuses, column, order.startswith("-"))
    # A thread does not know by itself how long the function still runs.
    contexts = [contextvars.copy_context() for _ in range(codec.SHARDS)]
    with ThreadPoolExecutor(_SHARDS_AT_ONCE) as pool:
        found = list(pool.map(lambda shard: contexts[shard].run(asked.of_shard, shard), range(codec.SHARDS)))
    rows = asked.first(row for some, _ in found for row in some)[offset:]
    return Page(repository.read_products(str(row["id"]) for row in rows), sum(count for _, count in found))


def of_handle(handle: str) -> Page:
    """The page of the one product of a handle, read consistently.

    Raises:
        Unavailable: The store did not answer.
    """
    found = repository.find(Unit(), handle)
    return Page([] if found is None else [found], 0 if found is None else 1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for.

    Args:
        wanted: Products, from the first one on.
        text: What title or handle contain.
        statuses: The statuses; empty for all.
        column: The column of the order.
        descending: Whether it is the opposite order.
    """

    wanted: int
    text: str
    statuses: frozenset[str]
    column: str
    descending: bool

    def of_shard(self, shard: int) -> tuple[list[Item], int]:
        """The first rows of a shard, and how many there are."""
        request = {
            "TableName": PRODUCTS.name,
            "IndexName": "by_created",
            "KeyConditionExpression": "shard = :shard",
            "ExpressionAttributeValues": {":shard": {"N": str(shard)}},
            "ScanIndexForward": not self.descending,
        }
        if self.column == CREATED and not self.text and not self.statuses:
            rows = list(islice(query(request | {"Limit": self.wanted}), self.wanted)) if self.wanted else []
            return rows, len(rows) if len(rows) < self.wanted else _count(request)
        count = 0

        def matching() -> Iterator[Item]:
            nonlocal count
            for row in query(request):
                if self._matches(row):
                    count += 1
                    yield row

        rows = self.first(found := matching())
        # Where none is wanted, none has been looked at.
        for _ in found:
            pass
        return rows, count

    def first(self, rows: Iterator[Item]) -> list[Item]:
        """The first of some rows, in order."""
        pick = heapq.nlargest if self.descending else heapq.nsmallest
        return pick(self.wanted, rows, key=_ORDERS[self.column])

    def _matches(self, row: Item) -> bool:
        if self.statuses and row["status"] not in self.statuses:
            return False
        return any(self.text in str(row.get(name, "")).casefold() for name in ("title", "handle"))


def _count(request: dict[str, Any]) -> int:
    """How many rows there are, without reading them out."""
    count = 0
    start: dict[str, Any] = {}
    while True:
        with reaching_aws():
            answer = clients.dynamodb().query(**request, **start, Select="COUNT")
        count += answer["Count"]
        if "LastEvaluatedKey" not in answer:
            return count
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
