"""Product batches as items of the table `ProductBatches`, whose partition is a collection.

Sort keys begin with the kind of the item:

- `batch <batch> <product>`: a batch.
- `counter`: the next index that no batch of the collection has.
- `serials <last index>`: a stretch of one block's serials, with their statuses as runs. A block begins as one stretch
  of one run, and stretches tile it without gaps: the first stretch at or after an index tells whose it is.
- `change <batch> <product> <id>`: one change of serials' statuses, with what it changed.
- `export <batch> <product> <id>`: one export of the serials, and how far it is (`exports`).
- `scan <index>`: how often a serial was looked up in public.

IDs hold no character that sorts before `$`, so a space between them keeps the order of the IDs.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchyard.clock import iso
from batchyard.errors import Conflict, Contended, TooLarge
from batchyard.jsontext import dumps
from batchyard.product_batches import rules
from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.product_batches.runs import Run, cut, overlay, pack, pieces, unpack
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES, Table
from batchyard.store.unit import Unit

_DIGITS = 15
_LARGEST_BEFORE = 350_000
_LAST_INDEX = 10**_DIGITS - 1
_EXPIRING = "active"
_SMALLEST_PIECE = 500

_LISTED = {
    f"#{name}": name
    for name in (
        "collection_id",
        "sort_key",
        "status",
        "ranges",
        "first",
        "changed",
        "left",
        "by",
        "at",
        "reason",
        "undone_by",
        "undone_at",
    )
}

_WHOSE = {
    "ProjectionExpression": "collection_id, sort_key, #first, made",
    "ExpressionAttributeNames": {"#first": "first"},
}
"""For queries of keys alone, and of what tells whose an item is."""

# A query is not isolated from transactions: it may see one piece of a cut stretch a moment before the other.
_LOOKS = 2
_MOMENT = 0.05


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring serials of one block, as they are stored.

    Args:
        collection: ID of the collection.
        product: ID of the product.
        batch: ID of the batch.
        length: Characters of their codes, without the check character.
        key: Version of the key of their codes.
        runs: Their statuses.
    """

    collection: str
    product: str
    batch: str
    length: int
    key: int
    runs: tuple[Run, ...]

    @property
    def first(self) -> int:
        """The first index."""
        return self.runs[0].first

    @property
    def last(self) -> int:
        """The last index."""
        return self.runs[-1].last


@dataclass(frozen=True, slots=True)
class Change:
    """One change of serials' statuses.

    Args:
        collection: ID of the collection.
        product: ID of the product.
        batch: ID of the batch.
        id: Its own ID; those of later changes are greater.
        status: The status that it brought.
        ranges: What it was asked for: number of the first serial within the batch, and how many.
        before: The runs that it changed, as they were; none where it was read for a list.
        changed: How many serials it changed.
        left: How many of the range it left as they were: they had the status already, or one that is final.
        by: The user who made it.
        at: When, in microseconds since the Unix epoch.
        reason: Why, in the user's words.
        undone_by: The user who undid it.
        undone_at: When.
    """

    collection: str
    product: str
    batch: str
    id: str
    status: str
    ranges: tuple[tuple[int, int], ...]
    before: tuple[Run, ...]
    changed: int
    left: int
    by: str
    at: int
    reason: str | None = None
    undone_by: str | None = None
    undone_at: int | None = None

    def to_json(self) -> str:
        """It as it is answered."""
        return dumps(
            {
                "id": self.id if self.changed else None,
                "status": self.status,
                "ranges": [{"startIndex": start, "count": size} for start, size in self.ranges],
                "changed": self.changed,
                "left": self.left,
                "reason": self.reason,
                "by": self.by,
                "at": iso(self.at),
                "undoneBy": self.undone_by,
                "undoneAt": None if self.undone_at is None else iso(self.undone_at),
            }
        )


def key_of(collection: str, product: str, batch: str) -> Key:
    """The key of a batch's item."""
    return {"collection_id": collection, "sort_key": f"batch {batch} {product}"}


def reads(parameters: Mapping[str, str]) -> list[tuple[Table, Key]]:
    """What the store is asked for a batch, by the parameters of its path."""
    return [(PRODUCT_BATCHES, key_of(parameters["collectionId"], parameters["productId"], parameters["batchId"]))]


def get(unit: Unit, collection: str, product: str, batch: str) -> ProductBatch | None:
    """A batch as this unit will leave it."""
    item = unit.get(PRODUCT_BATCHES, key_of(collection, product, batch))
    return None if item is None else decode(item)


def put(unit: Unit, batch: ProductBatch) -> ProductBatch:
    """Stages a batch; answers it with its new version."""
    return replace(batch, version=int(unit.put(PRODUCT_BATCHES, encode(batch))["version"]))


def delete(unit: Unit, batch: ProductBatch) -> None:
    """Stages the removal of a batch that `get` found."""
    unit.delete(PRODUCT_BATCHES, key_of(batch.collection, batch.product, batch.id))


def encode(batch: ProductBatch) -> Item:
    """The item of a batch."""
    item: Item = {
        **key_of(batch.collection, batch.product, batch.id),
        "batch_id": batch.id,
        "product_id": batch.product,
        "search_text": search_text(batch.id, batch.fields.get("name")),
        "fields": dumps(batch.fields),
        "status": batch.status,
        "length": batch.length,
        "blocks": json.dumps([[block.first, block.size, block.key, block.made] for block in batch.blocks]),
        "created": batch.created,
        "updated": batch.updated,
        "version": batch.version,
    }
    if batch.exports:
        item["exports"] = True
    if batch.status == rules.ACTIVE and batch.expires is not None:
        item |= {"expiring": _EXPIRING, "expires_at": batch.expires}
    return item


def decode(item: Item) -> ProductBatch:
    """The batch of an item."""
    return ProductBatch(
        collection=str(item["collection_id"]),
        product=str(item["product_id"]),
        id=str(item["batch_id"]),
        fields=json.loads(str(item["fields"])),
        status=str(item["status"]),
        length=int(item["length"]),
        blocks=tuple(Block(*block) for block in json.loads(str(item["blocks"]))),
        created=int(item["created"]),
        updated=int(item["updated"]),
        version=int(item["version"]),
        exports=bool(item.get("exports")),
    )


def search_text(batch: str, name: str | None) -> str:
    """What a search for a batch looks at."""
    return f"{batch}\n{name or ''}".lower()


# Serials.


def allocate(unit: Unit, collection: str, size: int, key: int, capacity: int, made: int) -> Block:
    """Stages the handing out of indices that nothing ever had.

    Args:
        unit: The unit of the batch that they are for.
        collection: ID of the collection.
        size: How many.
        key: Version of the key of their codes.
        capacity: How many indices there are codes for.
        made: When, in microseconds since the Unix epoch.

    Raises:
        Conflict: There are no more.
    """
    place: Key = {"collection_id": collection, "sort_key": "counter"}
    counter = unit.get(PRODUCT_BATCHES, place) or {**place, "next": 0}
    first = int(counter["next"])
    if first + size > capacity:
        raise Conflict(
            "The collection has used up the serials of this length; longer ones are left.",
            details={"serialFormat": "length", "left": max(0, capacity - first)},
        )
    unit.put(PRODUCT_BATCHES, {**counter, "next": first + size})
    return Block(first, size, key, made)


def put_block(unit: Unit, batch: ProductBatch, block: Block) -> None:
    """Stages the serials of a new block of a batch."""
    run = Run(block.first, block.last)
    put_stretch(unit, Stretch(batch.collection, batch.product, batch.id, batch.length, block.key, (run,)))


def put_stretch(unit: Unit, stretch: Stretch) -> None:
    """Stages a stretch that `stretches` found, or that is new."""
    item: Item = {
        **_serials_key(stretch.collection, stretch.last),
        "of_batch": stretch.batch,
        "of_product": stretch.product,
        "length": stretch.length,
        "key": stretch.key,
        "first": stretch.first,
        "runs": pack(stretch.runs),
    }
    unit.put(PRODUCT_BATCHES, item)


def stretches(unit: Unit, collection: str, first: int, last: int, end: int) -> list[Stretch]:
    """The stretches of a block that hold some indices, in order, as this unit will leave them.

    Args:
        unit: The unit.
        collection: ID of the collection.
        first: The first index.
        last: The last one.
        end: The last index of their block.

    Raises:
        Contended: Somebody is cutting them, and not all pieces are there yet.
        Unavailable: The store did not answer.
    """
    found: list[Stretch] = []
    covered = first
    for stretch in _overlapping(unit, collection, first, last, end):
        if stretch.first > covered:
            raise Contended
        if found and stretch.first < covered:
            # As it was before it was cut, behind a piece of it. Whoever writes it finds that it has changed.
            stretch = replace(stretch, runs=tuple(cut(stretch.runs, covered, stretch.last)))
        found.append(stretch)
        covered = stretch.last + 1
    if covered <= last:
        raise Contended
    return found


def holder(unit: Unit, collection: str, index: int) -> Stretch | None:
    """The stretch that holds an index; None where no batch has it.

    Raises:
        Unavailable: The store did not answer.
    """
    for look in range(_LOOKS):
        if look:
            _wait(_MOMENT)
        reaching = _reaching(unit, collection, index, index, _LAST_INDEX)
        if not reaching:
            # Of a cut stretch the last piece keeps the place, so it is nobody's.
            return None
        for stretch in reaching:
            if stretch.first <= index:
                return stretch
    return None


def put_runs(unit: Unit, found: Iterable[Stretch], wanted: Sequence[Run]) -> None:
    """Stages other statuses of serials.

    Args:
        unit: The unit.
        found: All stretches that hold them, or others whose statuses were decided on, as `stretches` found them.
        wanted: The statuses, in order; between them are gaps where nothing changes.
    """
    for stretch in found:
        # One that stays as it is is staged, too: the commit must not hold if somebody changes it meanwhile.
        for piece in pieces(overlay(stretch.runs, cut(wanted, stretch.first, stretch.last))):
            put_stretch(unit, replace(stretch, runs=tuple(piece)))


def every_stretch(unit: Unit, batch: ProductBatch) -> Iterator[Stretch]:
    """All stretches of a batch."""
    for block in batch.blocks:
        yield from stretches(unit, batch.collection, block.first, block.last, block.last)


def delete_stretch(unit: Unit, stretch: Stretch) -> None:
    """Stages the removal of a stretch that `stretches` found."""
    unit.delete(PRODUCT_BATCHES, _serials_key(stretch.collection, stretch.last))


# Changes of serials.


def put_change(unit: Unit, change: Change) -> None:
    """Stages a change that `get_change` found, or that is new.

    Raises:
        TooLarge: It changes serials with more different stories than an item can hold.
    """
    before = pack(change.before)
    if len(before) > _LARGEST_BEFORE:
        raise TooLarge("These serials have had too many different changes. Change them in smaller ranges.")
    item = {
        **_change_key(change.collection, change.product, change.batch, change.id),
        "status": change.status,
        "ranges": json.dumps(change.ranges),
        "first": change.before[0].first,
        "before": before,
        "changed": change.changed,
        "left": change.left,
        "by": change.by,
        "at": change.at,
        "reason": change.reason,
        "undone_by": change.undone_by,
        "undone_at": change.undone_at,
    }
    unit.put(PRODUCT_BATCHES, items.present(item))


def get_change(unit: Unit, batch: ProductBatch, id: str) -> Change | None:
    """A change of a batch's serials; None where there is none of this ID."""
    item = unit.get(PRODUCT_BATCHES, _change_key(batch.collection, batch.product, batch.id, id))
    return _change(item) if item is not None and _is_change_of(item, batch) else None


def changes(batch: ProductBatch, limit: int, before: str | None = None) -> list[Change]:
    """The latest changes of a batch's serials, the last one first; without what the serials were before.

    Args:
        batch: The batch.
        limit: How many, at most.
        before: Only changes before that of this ID.

    Raises:
        Unavailable: The store did not answer.
    """
    prefix = str(_change_key(batch.collection, batch.product, batch.id, "")["sort_key"])
    found: list[Change] = []
    request = _between(batch.collection, prefix, prefix + (before or "~")) | {
        # Not `before`, which can be as large as an item can be.
        "ProjectionExpression": ", ".join(_LISTED),
        "ExpressionAttributeNames": _LISTED,
        "ScanIndexForward": False,
        # One more: the upper bound itself may be among them.
        "Limit": limit + 1,
    }
    for item in query(request):
        if names_in(item)[-1] != before and _is_change_of(item, batch):
            found.append(_change(item))
        if len(found) == limit:
            break
    return found


def changes_between(batch: ProductBatch, first: str, end: str) -> Iterator[Change]:
    """Changes of a batch's serials in their order, read page by page.

    Args:
        batch: The batch.
        first: Only changes from that of this ID on.
        end: Only changes before that of this ID.

    Raises:
        Unavailable: The store did not answer.
    """
    low, high = (_change_key(batch.collection, batch.product, batch.id, id)["sort_key"] for id in (first, end))
    for item in query(_between(batch.collection, low, high)):
        change = _change(item)
        if change.id < end:
            yield change


# What is found by schedule, or after a batch is gone.


def due(moment: int) -> Iterator[tuple[str, str, str]]:
    """IDs of collection, product and batch of those that are to expire, as of a moment ago.

    Args:
        moment: In microseconds since the Unix epoch.

    Raises:
        Unavailable: The store did not answer.
    """
    request = {
        "TableName": PRODUCT_BATCHES.name,
        "IndexName": "by_expiry",
        "KeyConditionExpression": "expiring = :expiring AND expires_at <= :moment",
        "ExpressionAttributeValues": items.encode({":expiring": _EXPIRING, ":moment": moment}),
    }
    for item in query(request):
        _, batch, product = str(item["sort_key"]).split(" ")
        yield str(item["collection_id"]), product, batch


def serial_keys(collection: str, block: Block) -> Iterator[Key]:
    """Keys of what is stored of a block's serials: stretches and scans.

    Raises:
        Unavailable: The store did not answer.
    """
    for key_at in (_serials_key, scan_key):
        low, high = (str(key_at(collection, index)["sort_key"]) for index in (block.first, block.last))
        yield from map(PRODUCT_BATCHES.key_of, query(_between(collection, low, high) | _WHOSE))


def story_keys(batch: ProductBatch) -> Iterator[Key]:
    """Keys of the changes of a batch's serials and of its exports, without those of another batch that has its ID now.

    Raises:
        Unavailable: The store did not answer.
    """
    own: dict[str, Callable[[Item], bool]] = {
        "change": lambda item: _is_change_of(item, batch),
        "export": lambda item: int(item["made"]) == batch.created,
    }
    for kind, is_own in own.items():
        request = beginning(batch.collection, f"{kind} {batch.id} {batch.product} ") | _WHOSE
        yield from map(PRODUCT_BATCHES.key_of, filter(is_own, query(request)))


def names_in(item: Item) -> tuple[str, str, str]:
    """IDs of the batch, of the product, and its own, of the item of a change or an export."""
    _, batch, product, id = str(item["sort_key"]).split(" ")
    return batch, product, id


def scan_key(collection: str, index: int) -> Key:
    """The key of the item that tells how often a serial was looked up in public."""
    return {"collection_id": collection, "sort_key": f"scan {index:0{_DIGITS}}"}


def beginning(collection: str, prefix: str) -> dict[str, Any]:
    """A consistent query for the items of a collection whose sort keys begin like this."""
    return {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection AND begins_with(sort_key, :prefix)",
        "ExpressionAttributeValues": items.encode({":collection": collection, ":prefix": prefix}),
        "ConsistentRead": True,
    }


def _between(collection: str, low: str | int, high: str | int) -> dict[str, Any]:
    """A consistent query for the items of a collection between two sort keys, both included."""
    return {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection AND sort_key BETWEEN :low AND :high",
        "ExpressionAttributeValues": items.encode({":collection": collection, ":low": low, ":high": high}),
        "ConsistentRead": True,
    }


def _overlapping(unit: Unit, collection: str, first: int, last: int, end: int) -> list[Stretch]:
    return [stretch for stretch in _reaching(unit, collection, first, last, end) if stretch.first <= last]


def _reaching(unit: Unit, collection: str, first: int, last: int, end: int) -> list[Stretch]:
    """The stretches that end at an index or behind it, in order, up to one that ends at another index or behind it."""
    found: dict[str | int, Item] = {}
    low, high = (_serials_key(collection, index)["sort_key"] for index in (first, end))
    for item in query(_between(collection, low, high) | {"Limit": 1 + (last - first) // _SMALLEST_PIECE}):
        present = unit.found(PRODUCT_BATCHES, item)
        if present is not None:
            found[present["sort_key"]] = present  # type: ignore[index]
        if _last_of(item) >= last:
            break
    for key, staged in unit.staged(PRODUCT_BATCHES):
        if key["collection_id"] == collection and str(key["sort_key"]).startswith("serials ") and staged is not None:
            found[key["sort_key"]] = staged
    chosen = (_stretch(found[name]) for name in sorted(found, key=str))
    return [stretch for stretch in chosen if stretch.last >= first]


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def _serials_key(collection: str, last: int) -> Key:
    return {"collection_id": collection, "sort_key": f"serials {last:0{_DIGITS}}"}


def _last_of(item: Item) -> int:
    return int(str(item["sort_key"]).removeprefix("serials "))


def _change_key(collection: str, product: str, batch: str, id: str) -> Key:
    return {"collection_id": collection, "sort_key": f"change {batch} {product} {id}"}


def _is_change_of(item: Item, batch: ProductBatch) -> bool:
    """Whether a change is of this batch, and not of a removed one that had its ID."""
    return batch.number_of(int(item["first"])) is not None


def _stretch(item: Item) -> Stretch:
    return Stretch(
        collection=str(item["collection_id"]),
        product=str(item["of_product"]),
        batch=str(item["of_batch"]),
        length=int(item["length"]),
        key=int(item["key"]),
        runs=tuple(unpack(item["runs"], int(item["first"]))),  # type: ignore[arg-type]
    )


def _change(item: Item) -> Change:
    batch, product, id = names_in(item)
    return Change(
        collection=str(item["collection_id"]),
        product=product,
        batch=batch,
        id=id,
        status=str(item["status"]),
        ranges=tuple((start, size) for start, size in json.loads(str(item["ranges"]))),
        before=tuple(unpack(item["before"], int(item["first"]))) if "before" in item else (),  # type: ignore[arg-type]
        changed=int(item["changed"]),
        left=int(item["left"]),
        by=str(item["by"]),
        at=int(item["at"]),
        reason=items.text(item, "reason"),
        undone_by=items.text(item, "undone_by"),
        undone_at=items.number(item, "undone_at"),
    )
