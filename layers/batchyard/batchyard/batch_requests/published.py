"""Events published from the change stream of batch requests.

`BatchRequest Status Changed` goes to EventBridge for each move, deletions and openings included; blobs that an item
let go of are named to the sweep.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.actor import UNKNOWN, Actor
from batchyard.batch_requests.sweeping import POINTERS
from batchyard.clock import iso
from batchyard.store import events, notices, queues
from batchyard.store.events import Event, RecordChange
from batchyard.store.items import Value

SOURCE = "batchyard.batch_requests"
DETAIL_TYPE = "BatchRequest Status Changed"


def publish(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Publishes changes, those of a batch request in their order.

    Returns the sequence number of the first that failed, None if none did.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
    """
    return events.publish(records, SOURCE, _move, _let_go, _batch)


def _move(change: RecordChange) -> list[Event]:
    old, new = change.old, change.new
    before, after = (old or {}).get("status"), (new or {}).get("status")
    if before == after:
        return []
    subject = new or old or {}
    total, failed = int(subject["object_count"]), int(subject["failed_count"])
    moment = int(subject["modified"])
    # A removed item tells of its last move, not of who removed it.
    actor = UNKNOWN if new is None else Actor.from_attributes(new)
    detail = {
        "channel": subject["channel"],
        "pk": subject["pk"],
        "local_batch_id": subject["local_batch_id"],
        "remote_batch_id": subject.get("remote_batch_id"),
        "content_type": subject.get("content_type"),
        "old_status": before,
        "new_status": after,
        "objects": {"total": total, "failed": failed, "succeeded": total - failed},
        "modified_date": iso(moment),
        **actor.to_attributes(),
    }
    return [Event(DETAIL_TYPE, moment, detail)]


def _batch(change: RecordChange) -> tuple[Value, Value]:
    item = change.new or change.old or {}
    return item["channel"], item["pk"]


def _let_go(changes: Sequence[RecordChange]) -> None:
    released = [notices.message(key) for change in changes for key in _released(change)]
    if released:
        queues.send(os.environ["SWEEP_QUEUE_URL"], released)


def _released(change: RecordChange) -> list[str]:
    held = {(change.new or {}).get(name) for name in POINTERS}
    released = ((change.old or {}).get(name) for name in POINTERS)
    return [str(key) for key in released if key is not None and key not in held]
