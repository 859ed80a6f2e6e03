"""Serials as items: stretches with their statuses, and the changes of these (`sort_keys`)."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from botocore.exceptions import ClientError

from batchyard.errors import Conflict, Contended, TooLarge
from batchyard.product_batches.rules import BatchKey, Block, ProductBatch
from batchyard.product_batches.serials.rules import StatusChange, Stretch
from batchyard.product_batches.serials.runs import Run, cut, overlay, pack, pieces, unpack
from batchyard.product_batches.sort_keys import LAST_INDEX, between, change_key, counter_key, names_in, serials_key
from batchyard.store import clients, items
from batchyard.store.calls import code_of, old_item, reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit

_LARGEST_BEFORE = 350_000

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

# A query is not isolated from transactions: it may see one piece of a cut stretch a moment before the other.
_LOOKS = 2

_MOMENT_S = 0.05


# Stretches.


def allocate(collection: str, size: int, key: int, capacity: int, made: int) -> Block:
    """Hands out indices that nothing ever had, nor will have; outside of any unit.

    Args:
        size: How many; none of the collection's lengths has codes for fewer.
        key: Version of the key of their codes.
        capacity: How many indices there are codes for.
        made: When, in microseconds since the Unix epoch.

    Raises:
        Conflict: There are no more.
        Unavailable: The store did not answer.
    """
    try:
        with reaching_aws():
            answer = clients.dynamodb().update_item(
                TableName=PRODUCT_BATCHES.name,
                Key=items.encode(counter_key(collection)),
                UpdateExpression="ADD #next :size",
                ConditionExpression="attribute_not_exists(#next) OR #next <= :room",
                ExpressionAttributeNames={"#next": "next"},
                ExpressionAttributeValues=items.encode({":size": size, ":room": capacity - size}),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        taken = int((old_item(error) or {}).get("next", 0))
        raise Conflict(
            "The collection has used up the serials of this length; longer ones are left.",
            details={"serialFormat": "length", "left": max(0, capacity - taken)},
        ) from error
    return Block(int(answer["Attributes"]["next"]["N"]) - size, size, key, made)


def put_block(unit: Unit, batch: ProductBatch, block: Block) -> None:
    """Stages the serials of a new block of a batch."""
    run = Run(block.first, block.last)
    put_stretch(unit, Stretch(batch.key, batch.length, block.key, (run,)))


def put_stretch(unit: Unit, stretch: Stretch) -> None:
    """Stages a stretch that `stretches` found, or that is new."""
    item: Item = {
        **serials_key(stretch.batch.collection, stretch.last),
        "of_batch": stretch.batch.id,
        "of_product": stretch.batch.product,
        "length": stretch.length,
        "key": stretch.key,
        "first": stretch.first,
        "runs": pack(stretch.runs),
    }
    unit.put(PRODUCT_BATCHES, item)


def stretches(unit: Unit, collection: str, first: int, last: int, end: int) -> list[Stretch]:
    """The stretches of a block that hold some indices, in order, as this unit will leave them.

    Args:
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
            _wait(_MOMENT_S)
        reaching = _stretches_until(unit, collection, index, index, LAST_INDEX)
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
    unit.delete(PRODUCT_BATCHES, serials_key(stretch.batch.collection, stretch.last))


def _overlapping(unit: Unit, collection: str, first: int, last: int, end: int) -> list[Stretch]:
    return [stretch for stretch in _stretches_until(unit, collection, first, last, end) if stretch.first <= last]


def _stretches_until(unit: Unit, collection: str, first: int, last: int, end: int) -> list[Stretch]:
    """The stretches that end at an index or behind it, in order, up to one that ends at another index or behind it."""
    found: dict[str | int, Item] = {}
    low, high = (serials_key(collection, index)["sort_key"] for index in (first, end))
    for item in query(between(collection, low, high) | {"Limit": 1 + (last - first) // _SMALLEST_PIECE}):
        present = unit.adopt(PRODUCT_BATCHES, item)
        if present is not None:
            found[present["sort_key"]] = present  # type: ignore[index]
        if _last_of(item) >= last:
            break
    for key, staged in unit.staged(PRODUCT_BATCHES):
        if key["collection_id"] == collection and str(key["sort_key"]).startswith("serials ") and staged is not None:
            found[key["sort_key"]] = staged
    chosen = (decode_stretch(found[name]) for name in sorted(found, key=str))
    return [stretch for stretch in chosen if stretch.last >= first]


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def _last_of(item: Item) -> int:
    return int(str(item["sort_key"]).removeprefix("serials "))


def decode_stretch(item: Item) -> Stretch:
    """The stretch of an item."""
    return Stretch(
        batch=BatchKey(str(item["collection_id"]), str(item["of_product"]), str(item["of_batch"])),
        length=int(item["length"]),
        key=int(item["key"]),
        runs=tuple(unpack(item["runs"], int(item["first"]))),  # type: ignore[arg-type]
    )


# Changes.


def put_change(unit: Unit, change: StatusChange) -> None:
    """Stages a change that `get_change` found, or that is new.

    Raises:
        TooLarge: It changes serials with more different stories than an item can hold.
    """
    before = pack(change.before)
    if len(before) > _LARGEST_BEFORE:
        raise TooLarge("These serials have had too many different changes. Change them in smaller ranges.")
    item = {
        **change_key(change.batch, change.id),
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


def get_change(unit: Unit, batch: ProductBatch, id: str) -> StatusChange | None:
    """A change of a batch's serials; None where there is none of this ID."""
    item = unit.get(PRODUCT_BATCHES, change_key(batch.key, id))
    return decode_change(item) if item is not None and is_change_of(item, batch) else None


def changes(
    key: BatchKey, batch: ProductBatch | None, limit: int, before: str | None = None, *, removed: bool = False
) -> list[StatusChange]:
    """The latest changes of a batch's serials, the last one first; without what the serials were before.

    Args:
        key: Which batch.
        batch: The batch that there is; None for none.
        limit: How many, at most.
        before: Only changes before that of this ID.
        removed: Only changes of batches that had this key and were removed, instead of those of the batch.

    Raises:
        Unavailable: The store did not answer.
    """
    prefix = str(change_key(key, "")["sort_key"])
    found: list[StatusChange] = []
    request = between(key.collection, prefix, prefix + (before or "~")) | {
        # Not `before`, which can be as large as an item can be.
        "ProjectionExpression": ", ".join(_LISTED),
        "ExpressionAttributeNames": _LISTED,
        "ScanIndexForward": False,
        # One more: the upper bound itself may be among them.
        "Limit": limit + 1,
    }
    for item in query(request):
        is_own = batch is not None and is_change_of(item, batch)
        if names_in(item)[-1] != before and is_own != removed:
            found.append(decode_change(item))
        if len(found) == limit:
            break
    return found


def changes_between(batch: ProductBatch, first: str, end: str) -> Iterator[StatusChange]:
    """Changes of a batch's serials in their order, read page by page.

    Args:
        first: Only changes from that of this ID on.
        end: Only changes before that of this ID.

    Raises:
        Unavailable: The store did not answer.
    """
    low, high = (change_key(batch.key, id)["sort_key"] for id in (first, end))
    for item in query(between(batch.collection, low, high)):
        change = decode_change(item)
        if change.id < end:
            yield change


def is_change_of(item: Item, batch: ProductBatch) -> bool:
    """Whether a change is of this batch, and not of a removed one that had its ID."""
    return batch.number_of(int(item["first"])) is not None


def decode_change(item: Item) -> StatusChange:
    """The change of an item; without `before` where that was not read."""
    batch, id = names_in(item)
    return StatusChange(
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
