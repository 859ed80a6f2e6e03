"""Events published from the change streams of the catalogue.

To EventBridge go `Product Created`, `Product Changed` and `Product Removed`, and `Quantity Changed` for each variant
whose stock moves. What a job brings about is not told one by one, as the job tells a summary. Contents that a product
or an entity let go of, and what a large product leaves behind, are named to the clean-up. Lists by labels follow.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard import threads
from batchyard.catalogue import codec, labels, leftovers, repository
from batchyard.clock import iso
from batchyard.errors import Contended, Unavailable
from batchyard.store import contents, events, items, notices, queues
from batchyard.store.events import Event, RecordChange
from batchyard.store.items import Item, Value

SOURCE = "batchyard.catalogue"
CREATED, CHANGED, REMOVED = "Product Created", "Product Changed", "Product Removed"
QUANTITY_CHANGED = "Quantity Changed"

JOB = "batch_"
"""How the IDs of jobs begin."""

_CONTENT_KEY, _OWN_KEY = contents.pointer(codec.CONTENT), contents.pointer(codec.OWN)

_AT_ONCE = 8


def publish(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Publishes changes, those of a product or an entity in their order.

    Returns the sequence number of the first that failed, None if none did.

    Args:
        records: Records of one of the two tables' streams, with old and new images.
    """
    images = {record["dynamodb"]["SequenceNumber"]: record["dynamodb"] for record in records}

    def go_on(changes: Sequence[RecordChange]) -> None:
        _clean_up_after([(change, images[change.number].get("OldImage", {})) for change in changes])
        _follow_labels([images[change.number] for change in changes if _is_of_entity(change)])

    return events.publish(records, SOURCE, _told, go_on, _subject)


def _told(change: RecordChange) -> list[Event]:
    event = _quantity(change) if _is_of_entity(change) else _product(change)
    return [] if event is None else [event]


def _subject(change: RecordChange) -> Value:
    return (change.new or change.old or {})["id"]


def _is_of_entity(change: RecordChange) -> bool:
    return "part" in (change.new or change.old or {})


def _product(change: RecordChange) -> Event | None:
    subject = change.new or change.old or {}
    if change.new is not None and _is_quiet(change.new, "by"):
        return None
    kind = CREATED if change.old is None else REMOVED if change.new is None else CHANGED
    moment = int(subject["updated"])
    detail = {
        "id": subject["id"],
        "handle": subject["handle"],
        "title": subject.get("title"),
        "old_status": (change.old or {}).get("status"),
        "new_status": (change.new or {}).get("status"),
        "version": subject["version"],
        "updated_at": iso(moment),
        # A removed item tells of its last change, not of who removed it.
        "by": None if change.new is None else subject["by"],
    }
    return Event(kind, moment, detail)


def _quantity(change: RecordChange) -> Event | None:
    if change.new is None or "entity" not in change.new or _is_quiet(change.new, "stocked_by"):
        return None
    entity = codec.decode_entity(change.new)
    before = {} if change.old is None else codec.decode_entity(change.old).quantities
    if entity.quantities == before:
        return None
    detail = {
        "id": entity.id,
        "product": entity.product,
        "variant": entity.variant,
        "sku": entity.sku,
        "old_quantity": sum(before.values()),
        "new_quantity": entity.quantity,
        "quantities": {str(centre): pieces for centre, pieces in entity.quantities.items()},
        "updated_at": iso(entity.stocked),
        "by": entity.stocked_by,
    }
    return Event(QUANTITY_CHANGED, entity.stocked, detail)


def _is_quiet(item: Item, by: str) -> bool:
    return "quiet" in item or str(item[by]).startswith(JOB)


def _clean_up_after(changes: Sequence[tuple[RecordChange, Mapping[str, Any]]]) -> None:
    url = os.environ["PRODUCT_LEFTOVERS_QUEUE_URL"]
    released = []
    for change, image in changes:
        old, new = change.old, change.new
        if old is None:
            continue
        if not _is_of_entity(change) and _leaves_something(old, new):
            # Each by itself: ten of the largest do not fit one call.
            queues.send(url, [leftovers.notice(old, new, image)], delay_s=0)
            continue
        pointer = _OWN_KEY if _is_of_entity(change) else _CONTENT_KEY
        if pointer in old and old[pointer] != (new or {}).get(pointer):
            released.append(notices.message(str(old[pointer])))
    if released:
        queues.send(url, released)


def _leaves_something(old: Item, new: Item | None) -> bool:
    if new is None:
        return repository.leaves_something(items.number(old, "variants") or 0)
    return "left" in new


def _follow_labels(records: Sequence[Mapping[str, Any]]) -> None:
    """Has entities be listed under their labels, where what they store themselves has changed."""
    ids = [record["Keys"]["id"]["S"].removeprefix(f"{codec.ENTITY} ") for record in records if _says_else(record)]
    if not ids:
        return
    try:
        threads.each(labels.follow, map(int, dict.fromkeys(ids)), _AT_ONCE)
    except Contended as error:
        raise Unavailable from error


def _says_else(record: Mapping[str, Any]) -> bool:
    old, new = record.get("OldImage", {}), record.get("NewImage", {})
    return any(old.get(name) != new.get(name) for name in (codec.OWN, _OWN_KEY))
