"""What a job replaces, kept with the change itself: an item for each product, written in the same transaction.

So the item tells two things: that the job has written the product, which a repeated step then leaves alone; and how it
is taken back. It is gone eight days later. Of a product that takes several transactions it is written before the first
of them, with what is written ahead of the product; in the last one it becomes one as all others are.

Why: docs/decisions.md#what-an-import-has-replaced-tells-what-it-has-written
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from batchyard.batch_jobs import spool
from batchyard.catalogue import codec
from batchyard.catalogue.repository import Ahead
from batchyard.catalogue.rules import Own, Product
from batchyard.jsontext import dumps
from batchyard.store import blobs, contents, items
from batchyard.store.items import Item, Key, Value
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_JOBS, PRODUCTS
from batchyard.store.unit import Unit

KEPT_SECONDS = 8 * 86_400

_CONTENT = "before"
_AHEAD = "ahead"
_OWN = "own"
_ITEMS_OF_REMOVED = 9
_PREFIX = "before "
_STAYED = "stayed "


class Stock(NamedTuple):
    """What a job set of a variant's stock, in the distribution centre that files set.

    Attributes:
        pieces: How many it set.
        former: How many there were; None where there never were any.
        former_by: Who had set them.
    """

    pieces: int
    former: int | None
    former_by: str


class Removed(NamedTuple):
    """The stock of a variant that a job removed.

    Attributes:
        pieces: How many there were, by distribution centre.
        by: Who had set them.
    """

    pieces: Mapping[int, int]
    by: str


@dataclass(frozen=True, slots=True)
class Before:
    """What a job keeps of a product that it has written.

    Args:
        job: ID of the job.
        operations: How many operations it was.
        line: The first row of those that said so; 0 where none did.
        former: The product as it was; None for one that the job made.
        stock: What it set of the stock, by integer IDs.
        removed: Where it removed the product, the stock that there was, by integer IDs.
        own: Where it removed the product, what its entities stored themselves, by their IDs.
        components: The products of what was a component of these, by its integer ID.
        ahead: What it may have written ahead of the product, which it has not written yet; None once it has.
    """

    job: str
    product: str
    operations: int
    line: int = 0
    former: Product | None = None
    stock: Mapping[int, Stock] = field(default_factory=dict)
    removed: Mapping[int, Removed] | None = None
    own: Mapping[int, Own] = field(default_factory=dict)
    components: Mapping[int, str] = field(default_factory=dict)
    ahead: Ahead | None = None


def key_of(job: str, product: str) -> Key:
    """The key of what a job keeps of a product."""
    return {"id": job, "part": f"{_PREFIX}{product}"}


def find(unit: Unit, job: str, product: str) -> Before | None:
    """What a job has kept of a product; None where it has not written it.

    Raises:
        Unavailable: The store did not answer.
    """
    item = unit.get(BATCH_JOBS, key_of(job, product))
    return None if item is None else _decode(item)


def put(unit: Unit, before: Before, now_s: int) -> None:
    """Stages what a job keeps of a product; before the product's own change is staged, its content need not be told."""
    item: dict[str, Value | None] = {
        **key_of(before.job, before.product),
        "operations": before.operations,
        "line": before.line,
        "stock": dumps({str(id): stock for id, stock in before.stock.items()}) if before.stock else None,
        "removed": None if before.removed is None else dumps(before.removed),
        "expires": now_s + KEPT_SECONDS,
    }
    if before.former is not None:
        # With a blob of its own where it is large: the product's goes when nothing points at it any more.
        stored = unit.get(PRODUCTS, codec.product_key(before.product)) or {}
        if stored.get("version") == before.former.version and codec.CONTENT in stored:
            item[_CONTENT] = stored[codec.CONTENT]
        else:
            item |= _packed(unit, before.job, _CONTENT, codec.content(before.former))
        item["former"] = dumps(codec.encode_product(before.former, {}))
    if before.own:
        owns = {str(id): codec.own_told(own) for id, own in before.own.items()}
        told = [owns, {str(id): product for id, product in before.components.items()}]
        item |= _packed(unit, before.job, _OWN, dumps(told))
    if before.ahead is not None:
        told = [[[key["id"], key["part"]] for key in before.ahead.keys], before.ahead.at]
        item |= _packed(unit, before.job, _AHEAD, dumps(told))
    unit.put(BATCH_JOBS, items.present(item))


def _packed(unit: Unit, job: str, name: str, text: str) -> Item:
    attributes, blob = contents.pack(name, text, lambda: blobs.new_key(spool.KIND, job))
    if blob is not None:
        unit.write_blob(blob)
    return attributes


def delete(unit: Unit, before: Before, stays: Sequence[str], now_s: int) -> None:
    """Stages that a product that `find` found is taken back.

    Args:
        before: What was kept of it.
        stays: What stays of it nevertheless, and why: kept until the job tells of it, as the step may be made again.
        now_s: The moment, in seconds since the Unix epoch.
    """
    unit.delete(BATCH_JOBS, key_of(before.job, before.product))
    if stays:
        key = {"id": before.job, "part": f"{_STAYED}{before.product}"}
        unit.put(BATCH_JOBS, {**key, "messages": dumps(stays), "expires": now_s + KEPT_SECONDS})


def stayed(job: str) -> Iterator[str]:
    """What stays of a job that was taken back, and why.

    Raises:
        Unavailable: The store did not answer.
    """
    for item in query(_all_of(job, _STAYED)):
        yield from json.loads(str(item["messages"]))


def items_of(job: str, limit: int) -> list[Item]:
    """What a job has kept of products that it has written and not taken back, as it is stored: so many at most.

    Raises:
        Unavailable: The store did not answer.
    """
    return list(islice(query({**_all_of(job, _PREFIX), "Limit": limit}), limit))


def items_to_take_back(item: Item) -> int:
    """How many items are written when a product is taken back of which an item keeps something; hardly ever more."""
    variants = int(item["operations"]) - 1
    if "removed" in item:
        # How large it was is not told: most are small.
        return _ITEMS_OF_REMOVED
    # With this one: aggregate, handle, parent, SKUs and entities; or aggregate, parent, and entities.
    return 3 + variants if "former" in item else 4 + 2 * variants


def product_of(item: Item) -> str:
    """The ID of the product of which an item keeps something."""
    return str(item["part"]).removeprefix(_PREFIX)


def _all_of(job: str, prefix: str) -> dict[str, Any]:
    return {
        "TableName": BATCH_JOBS.name,
        "KeyConditionExpression": "id = :job AND begins_with(part, :prefix)",
        "ExpressionAttributeValues": items.encode({":job": job, ":prefix": prefix}),
        "ConsistentRead": True,
    }


def _decode(item: Item) -> Before:
    former = None
    if "former" in item:
        packed = item[_CONTENT] if _CONTENT in item else blobs.read(str(item[contents.pointer(_CONTENT)]))
        former = codec.decode_product({**json.loads(str(item["former"])), codec.CONTENT: packed}, blobs.read)
    stock = json.loads(items.text(item, "stock") or "{}")
    owns, components = json.loads(contents.unpack(_OWN, item, blobs.read) or "[{}, {}]")
    return Before(
        job=str(item["id"]),
        product=product_of(item),
        operations=int(item["operations"]),
        line=int(item["line"]),
        former=former,
        stock={int(id): Stock(*told) for id, told in stock.items()},
        removed=_removed(items.text(item, "removed")),
        own={int(id): codec.own_of(told) for id, told in owns.items()},
        components={int(id): product for id, product in components.items()},
        ahead=_ahead(contents.unpack(_AHEAD, item, blobs.read)),
    )


def _ahead(text: str | None) -> Ahead | None:
    if text is None:
        return None
    keys, at = json.loads(text)
    return Ahead([{"id": id, "part": part} for id, part in keys], at)


def _removed(text: str | None) -> dict[int, Removed] | None:
    if text is None:
        return None
    return {int(id): Removed(_centres(centres), by) for id, (centres, by) in json.loads(text).items()}


def _centres(told: Mapping[str, int]) -> dict[int, int]:
    return {int(centre): pieces for centre, pieces in told.items()}
