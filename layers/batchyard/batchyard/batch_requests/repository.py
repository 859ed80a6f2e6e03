"""Batch requests as items: one each, its objects as one compressed JSON attribute, in S3 where that is too large."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from batchyard.batch_requests.rules import BatchRequest
from batchyard.store import blobs, items
from batchyard.store.blobs import Blob
from batchyard.store.items import Item, Key, Value
from batchyard.store.tables import BATCH_REQUESTS, Table
from batchyard.store.unit import Unit

INLINE_BYTES = 300_000
"""Compressed objects larger than this go to S3 (an item ends at 400 kB)."""

# Level 1 halves the CPU of a write for a tenth more bytes on lists of objects.
_LEVEL = 1
_TYPE_KEY_BYTES = 900


def key_of(channel: int, pk: int) -> Key:
    """The key of a batch request's item."""
    return {"channel": channel, "pk": pk}


def reads(parameters: Mapping[str, str]) -> list[tuple[Table, Key]]:
    """What the store is asked for a batch request, by the parameters of its path."""
    channel, pk = parameters["channel_id"], parameters["id"]
    if not all(given.isascii() and given.isdigit() and len(given) < 20 for given in (channel, pk)):
        return []
    return [(BATCH_REQUESTS, key_of(int(channel), int(pk)))]


def get(unit: Unit, channel: int, pk: int) -> BatchRequest | None:
    """A batch request as this unit will leave it."""
    item = unit.get(BATCH_REQUESTS, key_of(channel, pk))
    return None if item is None else decode(item, unit.read_blob)


def exists(unit: Unit, channel: int, pk: int) -> bool:
    """Whether this unit will leave a batch request there."""
    return unit.get(BATCH_REQUESTS, key_of(channel, pk)) is not None


def put(unit: Unit, batch: BatchRequest) -> BatchRequest:
    """Stages a batch request; answers it with its new version."""
    item, blob = encode(batch)
    if blob is not None:
        unit.write_blob(blob)
    return replace(batch, version=int(unit.put(BATCH_REQUESTS, item)["version"]))


def delete(unit: Unit, batch: BatchRequest) -> None:
    """Stages the removal of a batch request. The change stream has its blobs removed."""
    unit.delete(BATCH_REQUESTS, key_of(batch.channel, batch.pk))


def type_key(content_type: str | None) -> str:
    """A content type as a sort key: in its own order, null after all others, never empty, at most 1024 bytes."""
    if content_type is None:
        return "2"
    whole = content_type.encode()
    if len(whole) <= _TYPE_KEY_BYTES:
        return "1" + content_type
    return "1" + whole[:_TYPE_KEY_BYTES].decode(errors="ignore") + hashlib.sha256(whole).hexdigest()


def encode(batch: BatchRequest) -> tuple[Item, Blob | None]:
    """The item of a batch request, and the blob that its objects need where they are too many for it."""
    objects = None if batch.objects is None else zlib.compress(batch.objects.encode(), _LEVEL)
    blob = None
    if objects is not None and len(objects) > INLINE_BYTES:
        blob = Blob(blobs.new_key(blobs.OBJECTS, batch.channel, batch.pk), objects, "application/zlib")
    attributes: dict[str, Value | None] = {
        "channel": batch.channel,
        "pk": batch.pk,
        "local_batch_id": batch.local_batch_id,
        "status": batch.status,
        "modified": batch.modified,
        "type_key": type_key(batch.content_type),
        "remote_batch_id": batch.remote_batch_id,
        "content_type": batch.content_type,
        "objects": None if blob else objects,
        "objects_key": blob.key if blob else None,
        "object_count": batch.object_count,
        "failed_count": batch.failed_count,
        "log_key": batch.log_key,
        "log_digest": batch.log_digest,
        "version": batch.version,
    }
    return items.present(attributes), blob


def decode(item: Item, read_blob: Callable[[str], bytes]) -> BatchRequest:
    """The batch request of an item.

    Args:
        item: The item.
        read_blob: Reads objects that are kept in S3.
    """
    objects = read_blob(str(item["objects_key"])) if "objects_key" in item else item.get("objects")
    return BatchRequest(
        channel=int(item["channel"]),
        pk=int(item["pk"]),
        local_batch_id=str(item["local_batch_id"]),
        status=str(item["status"]),
        modified=int(item["modified"]),
        version=int(item["version"]),
        remote_batch_id=items.text(item, "remote_batch_id"),
        content_type=items.text(item, "content_type"),
        objects=zlib.decompress(objects).decode() if isinstance(objects, bytes) else None,
        object_count=int(item["object_count"]),
        failed_count=int(item["failed_count"]),
        log_key=items.text(item, "log_key"),
        log_digest=items.text(item, "log_digest"),
    )
