"""Events published from the change stream of product batches.

To EventBridge go `ProductBatch Status Changed` for each move of a batch, making and removing included, `ProductBatch
Serials Changed` for each change of serials' statuses and its undoing, and `ProductBatch Serial Suspicious` once for a
serial that is looked up too often. What a removed batch leaves behind is named to the clean-up.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.actor import UNKNOWN
from batchyard.clock import iso
from batchyard.product_batches import leftovers, repository, sort_keys
from batchyard.store import events, queues
from batchyard.store.events import Event, RecordChange
from batchyard.store.items import Item, Value

SOURCE = "batchyard.product_batches"
STATUS_CHANGED = "ProductBatch Status Changed"
SERIALS_CHANGED = "ProductBatch Serials Changed"
SERIAL_SUSPICIOUS = "ProductBatch Serial Suspicious"


def publish(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Publishes changes, those of a batch in their order.

    Returns the sequence number of the first that failed, None if none did.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
    """
    return events.publish(records, SOURCE, _told, _clean_up_after, _subject)


def _told(change: RecordChange) -> list[Event]:
    old, new = change.old or {}, change.new or {}
    match _kind(change):
        case "batch" if _is_removed(change):
            told = [_move(old, {}), _move({}, new)] if new else [_move(old, {})]
        case "batch":
            told = [_move(old, new)]
        case "change":
            told = [_serials(old, new)]
        case "scan":
            told = [_suspicion(old, new)]
        case _:
            told = []
    return [event for event in told if event is not None]


def _subject(change: RecordChange) -> tuple[Value, ...]:
    """The batch, also of a change of its serials; a serial of which scans tell."""
    item = change.new or change.old or {}
    kind, *names = str(item["sort_key"]).split(" ")
    return item["collection_id"], *(names[:2] if kind in {"batch", "change"} else (kind, *names))


def _is_removed(change: RecordChange) -> bool:
    """Whether a batch was removed; if the same change set made another of its ID, the stream has both as one change."""
    return change.old is not None and (change.new is None or change.new["created"] != change.old["created"])


def _kind(change: RecordChange) -> str:
    return str((change.new or change.old or {})["sort_key"]).partition(" ")[0]


def _move(old: Item, new: Item) -> Event | None:
    before, after = old.get("status"), new.get("status")
    if before == after:
        return None
    batch = repository.decode(new or old)
    detail = {
        "collectionId": batch.collection,
        "productId": batch.product,
        "id": batch.id,
        "oldStatus": before,
        "newStatus": after,
        "quantity": batch.quantity,
        "updatedAt": iso(batch.updated),
        # A removed item tells of its last move, not of who removed it.
        **(batch.actor if new else UNKNOWN).to_attributes(),
    }
    return Event(STATUS_CHANGED, batch.updated, detail)


def _serials(old: Item, new: Item) -> Event | None:
    undone = "undone_at" in new
    if not new or (old and undone == ("undone_at" in old)):
        return None
    batch, id = sort_keys.names_in(new)
    moment = int(new["undone_at" if undone else "at"])
    detail = {
        "collectionId": batch.collection,
        "productId": batch.product,
        "batchId": batch.id,
        "changeId": id,
        "status": new["status"],
        "changed": new["changed"],
        "by": new["undone_by" if undone else "by"],
        "at": iso(moment),
        "undone": undone,
    }
    return Event(SERIALS_CHANGED, moment, detail)


def _suspicion(old: Item, new: Item) -> Event | None:
    if "flagged_at" in old or "flagged_at" not in new:
        return None
    moment = int(new["flagged_at"])
    detail = {
        "collectionId": new["collection_id"],
        "productId": new["of_product"],
        "batchId": new["of_batch"],
        "index": int(str(new["sort_key"]).removeprefix("scan ")),
        "scans": new["scans"],
        "at": iso(moment),
    }
    return Event(SERIAL_SUSPICIOUS, moment, detail)


def _clean_up_after(changes: Sequence[RecordChange]) -> None:
    removed = (change.old for change in changes if _kind(change) == "batch" and _is_removed(change))
    left = [leftovers.notice(repository.decode(item)) for item in removed if item is not None]
    if left:
        queues.send(os.environ["LEFTOVERS_QUEUE_URL"], left)
