"""Lists of products for people: what was asked for, found in the index of products, a moment behind the table.

The index is read whole, newest first, and holds little of each product: some 50,000 take a few seconds. What is older
is in no list, but found by its handle or SKU.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple
from unicodedata import normalize

from batchyard import threads
from batchyard.catalogue import codec, repository
from batchyard.catalogue.rules import Product
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCTS
from batchyard.store.unit import Unit

MOST_LOOKED_AT = 50_000
"""Products that a list can be about."""

_READ_AT_ONCE = 8


class Row(NamedTuple):
    """What the index holds of a product.

    Args:
        created: When it was made, in microseconds since the Unix epoch.
        updated: When it was last changed.
        title: Its title; empty for none.
    """

    id: str
    created: int
    updated: int
    handle: str
    title: str
    status: str


ORDERS: dict[str, Callable[[Row], object]] = {
    "created_at": lambda row: row.created,
    "updated_at": lambda row: row.updated,
    "id": lambda row: row.id,
    "handle": lambda row: row.handle,
    "title": lambda row: row.title,
}
"""What a list can be ordered by; `-` before it turns it round. Ties are ordered by ID."""


class Question(NamedTuple):
    """Which products, in which order.

    Args:
        text: What title or handle contain, in any case and form, or what the ID or a SKU is; empty for all.
        handle: What the handle is; empty for all.
        statuses: Which statuses; none for all.
        order: One of `ORDERS`, maybe with `-` before it.
    """

    text: str = ""
    handle: str = ""
    statuses: frozenset[str] = frozenset()
    order: str = "-created_at"

    def is_about(self, row: Row) -> bool:
        """Whether a product is asked for, as far as its row tells."""
        text = _folded(self.text)
        return (
            (not self.handle or row.handle == self.handle)
            and (not self.statuses or row.status in self.statuses)
            and (not text or row.id == self.text or text in _folded(row.title) or text in _folded(row.handle))
        )


def _folded(text: str) -> str:
    """A text as it is compared with others, whatever its case and its form (Unicode, D145)."""
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFD", text).casefold())


class Page(NamedTuple):
    """Some of the products that were asked for.

    Args:
        ids: Their IDs, in order.
        total: How many there are in all.
    """

    ids: list[str]
    total: int


def page(asked: Question, offset: int, limit: int) -> Page:
    """The products from an offset on.

    Raises:
        Unavailable: The store did not answer.
    """
    rows = _rows(asked)
    rows.sort(key=lambda row: row.id)
    column = asked.order.removeprefix("-")
    rows.sort(key=ORDERS[column], reverse=asked.order != column)  # type: ignore[arg-type] # all of one column compare
    return Page([row.id for row in rows[offset : offset + limit]], len(rows))


def _rows(asked: Question) -> list[Row]:
    unit = Unit()
    if asked.handle:
        # By its claim, so also one that was made a moment ago.
        found = repository.find(unit, asked.handle)
        rows = [] if found is None else [_row_of(found)]
    else:
        rows = _newest()
    found_rows = {row.id: row for row in rows if asked.is_about(row)}
    holder = repository.sku_holder(unit, asked.text) if asked.text else None
    if holder is not None and (product := repository.get(unit, holder[0])) is not None:
        row = _row_of(product)
        if asked._replace(text="").is_about(row):
            found_rows[row.id] = row
    return list(found_rows.values())


def _newest() -> list[Row]:
    shards = threads.each(_newest_of, range(codec.SHARDS), _READ_AT_ONCE)
    return [row for shard in shards for row in shard]


def _newest_of(shard: int) -> list[Row]:
    request = {
        "TableName": PRODUCTS.name,
        "IndexName": "by_created",
        "KeyConditionExpression": "#shard = :shard",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": items.encode({":shard": shard}),
        "ScanIndexForward": False,
    }
    found: Iterator[Item] = query(request)
    return [_row(item) for item in islice(found, MOST_LOOKED_AT // codec.SHARDS)]


def _row(item: Item) -> Row:
    created, _, id = str(item["created_id"]).partition("#")
    title = items.text(item, "title") or ""
    return Row(id, int(created), int(item["updated"]), str(item["handle"]), title, str(item["status"]))


def _row_of(product: Product) -> Row:
    title = str(product.fields.get("title", ""))
    return Row(product.id, product.created, product.updated, product.handle, title, product.status)
