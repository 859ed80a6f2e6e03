"""What the change stream of batch requests is told to the world.

`BatchRequest Status Changed` goes to EventBridge for each move, deletions and openings included; blobs that an item
let go of are named to the sweep. A delivery may repeat: an event's `change` tells repeats apart.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from batchyard.batch_requests.sweeping import POINTERS
from batchyard.clock import iso
from batchyard.errors import Unavailable
from batchyard.store import clients, items, notices
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item

SOURCE = "batchyard.batch_requests"
DETAIL_TYPE = "BatchRequest Status Changed"
_AT_ONCE = 10


def publish(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Publishes changes in their order; answers the sequence number of the first that failed, None if none did.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
    """
    for position in range(0, len(records), _AT_ONCE):
        part = records[position : position + _AT_ONCE]
        changes = [(record["dynamodb"]["SequenceNumber"], *_images(record)) for record in part]
        try:
            failed = _put_events(
                [(number, entry) for number, old, new in changes if (entry := _event(number, old, new))]
            )
            _let_go([key for _, old, new in changes for key in _released(old, new)])
        except Unavailable:
            return str(changes[0][0])
        if failed is not None:
            return failed
    return None


def _images(record: Mapping[str, Any]) -> tuple[Item | None, Item | None]:
    change = record["dynamodb"]
    old, new = change.get("OldImage"), change.get("NewImage")
    return (_small(old) if old else None, _small(new) if new else None)


def _small(image: Mapping[str, Any]) -> Item:
    """An image without its objects: they are base64 here, and nobody needs them."""
    return items.decode({name: value for name, value in image.items() if name != "objects"})


def _event(number: str, old: Item | None, new: Item | None) -> dict[str, Any] | None:
    before, after = (old or {}).get("status"), (new or {}).get("status")
    if before == after:
        return None
    subject = new or old or {}
    total, failed = int(subject["object_count"]), int(subject["failed_count"])
    moment = int(subject["modified"])
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
        "change": number,
    }
    return {
        "EventBusName": os.environ["EVENT_BUS"],
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Time": datetime.fromtimestamp(moment / 1_000_000, UTC),
        "Detail": json.dumps(detail, ensure_ascii=False),
    }


def _put_events(entries: list[tuple[str, dict[str, Any]]]) -> str | None:
    """Sends events; answers the number of the first that was refused."""
    if not entries:
        return None
    with reaching_aws():
        answer = clients.events().put_events(Entries=[entry for _, entry in entries])  # type: ignore[misc]
    for (number, _), result in zip(entries, answer["Entries"], strict=True):
        if "ErrorCode" in result:
            return number
    return None


def _released(old: Item | None, new: Item | None) -> list[str]:
    held = {(new or {}).get(name) for name in POINTERS}
    return [str(key) for name in POINTERS if (key := (old or {}).get(name)) is not None and key not in held]


def _let_go(keys: list[str]) -> None:
    for position in range(0, len(keys), _AT_ONCE):
        entries = [
            {"Id": str(number), "MessageBody": notices.message(key)}
            for number, key in enumerate(keys[position : position + _AT_ONCE])
        ]
        with reaching_aws():
            answer = clients.sqs().send_message_batch(QueueUrl=os.environ["SWEEP_QUEUE_URL"], Entries=entries)  # type: ignore[arg-type]
        if answer.get("Failed"):
            raise Unavailable
