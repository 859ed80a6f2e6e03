"""Lists of batches, in order of their IDs: of a product, of a collection, by what their ID or name contains.

A list of a collection is read off the table itself. Of a product, and for a search, an index of keys tells which ones
to read; a search lets DynamoDB look through it, some 7,000 batches to a query.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from itertools import batched, islice
from typing import Any, NamedTuple

from batchyard import clock
from batchyard.errors import Invalid, NotFound
from batchyard.product_batches import repository, rules, sort_keys
from batchyard.product_batches.refusals import ambiguous_batch
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import read_many, read_one

_ID = re.compile("[!-~]{1,100}")

DEFAULT_LIMIT = 100
ALL = 1000
"""Batches on a page of those who ask for all: of batches as they mostly are, as many as fit into an answer."""

_MOST_NAMED = 100

_AT_ONCE = 100
"""Batches that are read at once, of those that an index named."""


class Page(NamedTuple):
    """Some batches of a list, read as far as they are taken.

    Attributes:
        batches: The batches. One more than the page may have tells that there are more.
        limit: How many the page may have.
        cursor: What the page behind all of these is asked for with; None where there is none, or it is not known yet.
    """

    batches: Iterator[ProductBatch]
    limit: int
    cursor: str | None = None


def page(
    collection: str,
    *,
    limit: int,
    product: str | None = None,
    search: str | None = None,
    cursor: str | None = None,
) -> Page:
    """A page of batches.

    Args:
        collection: ID of the collection.
        limit: How many, at most.
        product: Only those of this product.
        search: Only those whose ID or name contains this, in any case and form.
        cursor: Where the page begins; None for the first.

    Raises:
        Invalid: The cursor is none.
        Unavailable: The store did not answer.
    """
    after = None if cursor is None else _position(cursor, product)
    if product is not None and not _ID.fullmatch(product):
        return Page(iter(()), limit)
    request = _request(collection, limit + 1, product, search, after)
    found = islice(query(request), limit + 1)
    if "IndexName" not in request:
        return Page(map(_present, found), limit)
    # Keys alone.
    rows = list(found)
    more = len(rows) > limit
    rows = rows[:limit]
    following = _cursor(str(rows[-1]["product_id"]), str(rows[-1]["batch_id"])) if more else None
    return Page(map(_present, _whole(rows)), limit, following)


def cursor_behind(batch: ProductBatch) -> str:
    """What the page is asked for with that begins behind a batch."""
    return _cursor(batch.product, batch.id)


def by_id(collection: str, batch: str) -> Iterator[ProductBatch]:
    """The batches of a collection with this ID, one for each product that has it, in order of the products' IDs.

    They are read as far as they are taken.

    Raises:
        Unavailable: The store did not answer.
    """
    return map(_present, _items_by_id(collection, batch))


def only(collection: str, batch: str, product: str | None = None) -> ProductBatch:
    """The batch of a collection with this ID.

    Args:
        collection: ID of the collection.
        batch: ID of the batch.
        product: ID of the product, where several have one.

    Raises:
        NotFound: There is none.
        Conflict: Several products have one, and none was named. The details name the first hundred of them.
    """
    if product is None:
        found = list(islice(_items_by_id(collection, batch), _MOST_NAMED))
    else:
        found = _of_product(collection, batch, product)
    if not found:
        raise NotFound(f'There is no batch "{batch}" in this collection.')
    if len(found) > 1:
        raise ambiguous_batch([str(item["product_id"]) for item in found])
    return _present(found[0])


def _present(item: Item) -> ProductBatch:
    return rules.as_of(repository.decode(item), clock.now())


def _items_by_id(collection: str, batch: str) -> Iterator[Item]:
    prefix = str(sort_keys.key_of(BatchKey(collection, "", batch))["sort_key"])
    return query(sort_keys.beginning(collection, prefix))


def _of_product(collection: str, batch: str, product: str) -> list[Item]:
    if not _ID.fullmatch(product):
        return []
    item = read_one(PRODUCT_BATCHES, sort_keys.key_of(BatchKey(collection, product, batch)))
    return [] if item is None else [item]


def _whole(rows: Sequence[Item]) -> Iterator[Item]:
    """The items that an index named, read as far as they are taken."""
    for some in batched(rows, _AT_ONCE, strict=False):
        yield from read_many(PRODUCT_BATCHES, map(PRODUCT_BATCHES.key_of, some))


def _request(
    collection: str, limit: int, product: str | None, search: str | None, after: tuple[str, str] | None
) -> dict[str, Any]:
    values: dict[str, items.Value] = {":collection": collection}
    request: dict[str, Any] = {"TableName": PRODUCT_BATCHES.name}
    if product is not None:
        request |= {
            "IndexName": "by_product",
            "KeyConditionExpression": "collection_id = :collection AND product_id = :product",
        }
        values[":product"] = product
    elif search:
        request |= {"IndexName": "by_collection", "KeyConditionExpression": "collection_id = :collection"}
    else:
        request |= {
            "KeyConditionExpression": "collection_id = :collection AND begins_with(sort_key, :batches)",
            "ConsistentRead": True,
        }
        values[":batches"] = "batch "
    if search:
        request["FilterExpression"] = "contains(search_text, :search)"
        values[":search"] = repository.folded(search)
    else:
        request["Limit"] = limit
    if after is not None:
        request["ExclusiveStartKey"] = items.encode(_start(request, collection, *after))
    return {**request, "ExpressionAttributeValues": items.encode(values)}


def _start(request: dict[str, Any], collection: str, product: str, batch: str) -> dict[str, items.Value]:
    key: dict[str, items.Value] = {**sort_keys.key_of(BatchKey(collection, product, batch))}
    return {**key, "product_id": product, "batch_id": batch} if "IndexName" in request else key


def _cursor(product: str, batch: str) -> str:
    position = json.dumps([product, batch], separators=(",", ":"))
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _position(cursor: str, of_product: str | None) -> tuple[str, str]:
    """Where a cursor leads; the store takes no key that is not on the way, or that cannot be one at all."""
    try:
        decoded = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        decoded = None
    match decoded:
        case [str(product), str(batch)] if _ID.fullmatch(product) and _ID.fullmatch(batch):
            if of_product in {None, product}:
                return product, batch
    raise Invalid({"cursor": ["It is none that an answer gave."]})
