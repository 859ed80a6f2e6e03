"""Lists of batches, in order of their IDs: of a product, of a collection, by what their ID or name contains.

A list of a collection is read off the table itself. Of a product, an index of keys tells which ones to read.

A search finds what contains a text, which no key tells. So it begins with what a key does tell, batches whose ID begins
with the text, and then looks through an index, at most `MOST_LOOKED_AT` batches a page; what that takes is counted as
requests. The page then ends where it got to, and has a next one, also where nothing was found so far.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import batched, islice
from typing import Any, NamedTuple

from batchyard import clock
from batchyard.errors import NotFound
from batchyard.product_batches import cursors, repository, rules, sort_keys
from batchyard.product_batches.refusals import ambiguous_batch
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.queries import look_through, query
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import read_many, read_one

ID = re.compile("[!-~]{1,100}")
"""What an ID looks like."""

DEFAULT_LIMIT = 100
ALL = 1000
"""Batches on a page of those who ask for all: of batches as they mostly are, as many as fit into an answer."""

_MOST_NAMED = 100

STEP = 1000
"""Batches that one call looks at."""

MOST_LOOKED_AT = 7 * STEP
"""Batches that a page looks at, where no key tells which of them are wanted."""

_BEGINNING, _CONTAINING = "beginning", "containing"
"""The two parts of a search, in its cursors."""

AT_ONCE = 100
"""Batches that are read at once, of those that an index named."""


def cursor_behind(batch: ProductBatch, beginning: str | None = None) -> str:
    """What the page of a list is asked for with that begins behind a batch.

    Args:
        beginning: The search of which the list is; None for others.
    """
    if beginning is None:
        return cursors.encode(batch.product, batch.id)
    return cursors.encode(batch.product, batch.id, _part(beginning, batch.id))


class Page(NamedTuple):
    """Some batches of a list, read as far as they are taken.

    Attributes:
        batches: The batches. One more than the page may have tells that there are more.
        limit: How many the page may have.
        cursor: What the page behind all of these is asked for with; None where there is none, or it is not known yet.
        behind: What the page is asked for with that begins behind a batch of this one.
    """

    batches: Iterator[ProductBatch]
    limit: int
    cursor: str | None = None
    behind: Callable[[ProductBatch], str] = cursor_behind


def page(
    collection: str,
    *,
    limit: int,
    product: str | None = None,
    prefix: str | None = None,
    cursor: str | None = None,
) -> Page:
    """A page of batches, in order of their IDs.

    Args:
        limit: How many, at most.
        product: Only those of this product.
        prefix: Only those whose IDs begin with this.
        cursor: Where the page begins; None for the first.

    Raises:
        Invalid: The cursor is none.
        Unavailable: The store did not answer.
    """
    after = None if cursor is None else _position(cursor, product)[1:]
    if after is not None and not after[1].startswith(prefix or ""):
        raise cursors.refused()
    if any(given is not None and not ID.fullmatch(given) for given in (product, prefix)):
        # No ID is, or begins with, what no ID can be.
        return Page(iter(()), limit)
    if prefix is None:
        request = _request(collection, product, None, after) | {"Limit": limit + 1}
    else:
        request = _beginning(collection, product, prefix, after) | {"Limit": limit + 1}
    found = islice(query(request), limit + 1)
    if "IndexName" not in request:
        return Page(map(_present, found), limit)
    # Keys alone.
    rows = list(found)
    more = len(rows) > limit
    rows = rows[:limit]
    following = cursors.encode(str(rows[-1]["product_id"]), str(rows[-1]["batch_id"])) if more else None
    return Page(map(_present, _whole(rows)), limit, following)


def search(
    collection: str, text: str, *, limit: int, product: str | None = None, cursor: str | None = None
) -> tuple[Page, float]:
    """A page of what a search finds, and the read units that looking took: IDs that begin with its text come first.

    Args:
        text: What the ID or the name contains, in any case and form.
        limit: How many, at most.
        product: Only those of this product.
        cursor: Where the page begins; None for the first.

    Raises:
        Invalid: The cursor is none.
        Unavailable: The store did not answer.
    """
    behind = partial(cursor_behind, beginning=text)
    part, *position = [_BEGINNING, None, None] if cursor is None else _position(cursor, product, parts=True)
    after = (str(position[0]), str(position[1])) if position[0] else None
    if after is not None and part == _BEGINNING and not after[1].startswith(text):
        raise cursors.refused()
    if product is not None and not ID.fullmatch(product):
        return Page(iter(()), limit), 0
    rows: list[Item] = []
    if part == _BEGINNING:
        # No ID begins with what no ID can be.
        if ID.fullmatch(text):
            rows = list(islice(query(_beginning(collection, product, text, after) | {"Limit": limit + 1}), limit + 1))
        if len(rows) > limit:
            return Page(map(_present, _whole(rows[:limit])), limit, _cursor_at(rows[limit - 1], _BEGINNING), behind), 0
        after = None
    room = limit - len(rows)
    looked = look_through(
        _request(collection, product, text, after) | {"Limit": STEP},
        lambda row: _part(text, str(row["batch_id"])) == _CONTAINING and repository.contains(row, text),
        room + 1,
        MOST_LOOKED_AT // STEP,
    )
    following = None
    if len(looked.items) > room:
        following = _cursor_at(looked.items[room - 1], _CONTAINING) if room else cursors.encode("", "", _CONTAINING)
    elif looked.last is not None:
        following = _cursor_at(looked.last, _CONTAINING)
    found = [*rows, *looked.items[:room]]
    return Page(map(_present, _whole(found)), limit, following, behind), looked.units


def _part(text: str, batch: str) -> str:
    return _BEGINNING if batch.startswith(text) else _CONTAINING


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
    if not ID.fullmatch(product):
        return []
    item = read_one(PRODUCT_BATCHES, sort_keys.key_of(BatchKey(collection, product, batch)))
    return [] if item is None else [item]


def _whole(rows: Sequence[Item]) -> Iterator[Item]:
    """The items that an index named, read as far as they are taken."""
    for some in batched(rows, AT_ONCE, strict=False):
        yield from read_many(PRODUCT_BATCHES, map(PRODUCT_BATCHES.key_of, some))


def _request(collection: str, product: str | None, search: str | None, after: tuple[str, str] | None) -> dict[str, Any]:
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
    return _starting(request, values, collection, after)


def _beginning(collection: str, product: str | None, text: str, after: tuple[str, str] | None) -> dict[str, Any]:
    values: dict[str, items.Value] = {":collection": collection, ":text": text}
    condition = "collection_id = :collection AND begins_with(batch_id, :text)"
    request: dict[str, Any] = {"TableName": PRODUCT_BATCHES.name, "IndexName": "by_collection"}
    if product is not None:
        request["IndexName"] = "by_product"
        condition += " AND product_id = :product"
        values[":product"] = product
    return _starting({**request, "KeyConditionExpression": condition}, values, collection, after)


def _starting(
    request: dict[str, Any], values: dict[str, items.Value], collection: str, after: tuple[str, str] | None
) -> dict[str, Any]:
    if after is not None:
        key: dict[str, items.Value] = {**sort_keys.key_of(BatchKey(collection, *after))}
        of_index = {"product_id": after[0], "batch_id": after[1]} if "IndexName" in request else {}
        request["ExclusiveStartKey"] = items.encode({**key, **of_index})
    return {**request, "ExpressionAttributeValues": items.encode(values)}


def _cursor_at(row: Item, part: str) -> str:
    return cursors.encode(str(row["product_id"]), str(row["batch_id"]), part)


def _position(cursor: str, of_product: str | None, *, parts: bool = False) -> tuple[str, str, str]:
    """Where a cursor leads; the store takes no key that is not on the way, or that cannot be one at all.

    Args:
        of_product: Of which product the list is; None for all.
        parts: It is one of a search.

    Returns:
        The part of the search, the product, and the batch; these two are empty where the part begins.
    """
    match cursors.decode(cursor):
        case ["", "", str(part)] if parts and part == _CONTAINING:
            return part, "", ""
        case [str(product), str(batch), *part] if ID.fullmatch(product) and ID.fullmatch(batch):
            if of_product in {None, product} and part in ([[_BEGINNING], [_CONTAINING]] if parts else [[]]):
                return "".join(part), product, batch
    raise cursors.refused()
