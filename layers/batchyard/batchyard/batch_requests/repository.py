"""Batch requests as items: one each, its objects as one compressed JSON attribute, in S3 where that is too large."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from batchyard.actor import Actor
from batchyard.batch_requests.rules import BatchRequest
from batchyard.http.answers import size_in_lambda
from batchyard.store import blobs, contents, items
from batchyard.store.blobs import Blob
from batchyard.store.items import Item, Key, Value
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_REQUESTS, Table
from batchyard.store.unit import Unit

KEYS_AT_ONCE = 1000
"""Rows of an index that one query asks for, at most."""

_OBJECTS = "objects"
_SIZE = "objects_size"
_STORED = (_OBJECTS, contents.pointer(_OBJECTS), _SIZE)
_TYPE_KEY_BYTES = 900


def key_of(channel: int, pk: int) -> Key:
    """The key of a batch request's item."""
    return {"channel": channel, "pk": pk}


def reads(parameters: Mapping[str, str]) -> list[tuple[Table, Key]]:
    """What the store is asked for a batch request, by the parameters of its path."""
    channel, pk = parameters["channel_id"], parameters["id"]
    if not all(map(items.is_number, (channel, pk))):
        return []
    return [(BATCH_REQUESTS, key_of(int(channel), int(pk)))]


def get(unit: Unit, channel: int, pk: int, *, whole: bool = True) -> BatchRequest | None:
    """A batch request as this unit will leave it.

    Args:
        pk: The batch request's.
        whole: With its objects; else they are not read, and stay as they are stored.

    Raises:
        Lost: Its objects are wanted, and not there any more.
    """
    item = unit.get(BATCH_REQUESTS, key_of(channel, pk))
    return None if item is None else decode(item, unit.read_blob if whole else None)


def exists(unit: Unit, channel: int, pk: int) -> bool:
    """Whether this unit will leave a batch request there."""
    return unit.get(BATCH_REQUESTS, key_of(channel, pk)) is not None


def put(unit: Unit, batch: BatchRequest) -> BatchRequest:
    """Stages a batch request; returns it with its new version."""
    item, blob = encode(batch)
    if blob is not None:
        unit.write_blob(blob)
    written = unit.put(BATCH_REQUESTS, item)
    return replace(batch, version=int(written["version"]), stored=_stored(written))


def version(unit: Unit, channel: int, pk: int) -> int | None:
    """The version of a batch request as this unit will leave it, whatever else it holds; None where there is none."""
    item = unit.get(BATCH_REQUESTS, key_of(channel, pk))
    return None if item is None else int(item["version"])


def delete(unit: Unit, channel: int, pk: int) -> None:
    """Stages the removal of a batch request that was found. The change stream has its blobs removed."""
    unit.delete(BATCH_REQUESTS, key_of(channel, pk))


def type_key(content_type: str | None) -> str:
    """A content type as a sort key: in its own order, null after all others, never empty, at most 1024 bytes."""
    if content_type is None:
        return "2"
    whole = content_type.encode()
    if len(whole) <= _TYPE_KEY_BYTES:
        return "1" + content_type
    return "1" + whole[:_TYPE_KEY_BYTES].decode(errors="ignore") + hashlib.sha256(whole).hexdigest()


def encode(batch: BatchRequest) -> tuple[Item, Blob | None]:
    """The item of a batch request, and the blob that its objects need where they are too many for it.

    Objects that are stored already stay as they are.
    """
    objects: Item = {**(batch.stored or {})}
    blob = None
    if batch.stored is None and batch.objects is not None:
        objects, blob = contents.pack(
            _OBJECTS, batch.objects, lambda: blobs.new_key(blobs.OBJECTS, batch.channel, batch.pk)
        )
    if batch.objects is not None and _SIZE not in objects:
        objects[_SIZE] = size_in_lambda(batch.objects)
    attributes: dict[str, Value | None] = {
        "channel": batch.channel,
        "pk": batch.pk,
        "local_batch_id": batch.local_batch_id,
        "status": batch.status,
        "modified": batch.modified,
        "type_key": type_key(batch.content_type),
        "remote_batch_id": batch.remote_batch_id,
        "content_type": batch.content_type,
        **objects,
        "object_count": batch.object_count,
        "failed_count": batch.failed_count,
        "log_key": batch.log_key,
        "log_digest": batch.log_digest,
        "version": batch.version,
        **batch.actor.to_attributes(),
    }
    return items.present(attributes), blob


def objects_size_in_lambda(item: Item) -> int:
    """As how many bytes Lambda counts the objects of an item in an answer; 0 where an old item does not tell."""
    return items.number(item, _SIZE) or 0


def decode(item: Item, read_blob: Callable[[str], bytes] | None) -> BatchRequest:
    """The batch request of an item.

    Args:
        read_blob: Reads objects that are kept in S3; without it objects are not read, wherever they are.
    """
    return BatchRequest(
        channel=int(item["channel"]),
        pk=int(item["pk"]),
        local_batch_id=str(item["local_batch_id"]),
        status=str(item["status"]),
        modified=int(item["modified"]),
        version=int(item["version"]),
        remote_batch_id=items.text(item, "remote_batch_id"),
        content_type=items.text(item, "content_type"),
        objects=None if read_blob is None else contents.unpack(_OBJECTS, item, read_blob),
        object_count=int(item["object_count"]),
        failed_count=int(item["failed_count"]),
        log_key=items.text(item, "log_key"),
        log_digest=items.text(item, "log_digest"),
        actor=Actor.from_attributes(item),
        stored=_stored(item),
    )


def _stored(item: Item) -> Item | None:
    """The attributes in which the objects of an item are stored; None where it has none."""
    return {name: item[name] for name in _STORED if name in item} or None


# Many of a channel, in the order of an index.


def rows(
    channel: int,
    *,
    status: str | None = None,
    type_key: str | None = None,
    columns: tuple[str, ...] = ("pk",),
    descending: bool = False,
    after: Item | None = None,
    wanted: int = KEYS_AT_ONCE,
) -> Iterator[Item]:
    """Rows of one partition of an index: keys alone; without a status, whole items of the table, read consistently.

    Args:
        status: The status of all rows; None for the table itself.
        type_key: The type key of all rows; None for any.
        columns: What the index orders them by.
        descending: They come in the opposite order.
        after: The row behind which they begin, be it still there or not.
        wanted: How many will be taken, at most.

    Raises:
        Unavailable: The store did not answer.
    """
    key: Item = {"channel": channel}
    names: dict[str, str] = {}
    if status is not None:
        key["status"] = status
        names = {"#status": "status"}
    if type_key is not None:
        key["type_key"] = type_key
    request: dict[str, Any] = {
        "TableName": BATCH_REQUESTS.name,
        "KeyConditionExpression": " AND ".join(f"{'#status' if name == 'status' else name} = :{name}" for name in key),
        "ExpressionAttributeValues": items.encode({f":{name}": value for name, value in key.items()}),
        "ScanIndexForward": not descending,
        "Limit": min(wanted, KEYS_AT_ONCE),
    }
    if names:
        request["ExpressionAttributeNames"] = names
    if status is None:
        request["ConsistentRead"] = True
    else:
        request["IndexName"] = _index({*key, *columns})
    if after is not None:
        # Any position in a partition can be begun after, whether there is an item or not.
        place = {"pk": after["pk"], **{name: after[name] for name in columns}, **key}
        request["ExclusiveStartKey"] = items.encode(place)
    return query(request)


def next_type_key(channel: int, status: str, beyond: str | None, *, descending: bool) -> str | None:
    """The first type key of a channel's batch requests in a status, beyond another one; None where there is none.

    Args:
        beyond: The other type key; None for the very first.
        descending: It is sought in the opposite order.

    Raises:
        Unavailable: The store did not answer.
    """
    values: dict[str, Value] = {":channel": channel, ":status": status}
    condition = "channel = :channel AND #status = :status"
    if beyond is not None:
        condition += f" AND type_key {'<' if descending else '>'} :beyond"
        values[":beyond"] = beyond
    request = {
        "TableName": BATCH_REQUESTS.name,
        "IndexName": "by_status_type",
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": items.encode(values),
        "ScanIndexForward": not descending,
        "Limit": 1,
    }
    return next((str(row["type_key"]) for row in query(request)), None)


def has_any(unit: Unit, channel: int) -> bool:
    """Whether a unit will leave a channel with any batch request."""
    staged = {key["pk"]: item for key, item in unit.staged(BATCH_REQUESTS) if key["channel"] == channel}
    if any(item is not None for item in staged.values()):
        return True
    wanted = len(staged) + 1
    return any(row["pk"] not in staged for row in islice(rows(channel, wanted=wanted), wanted))


def unchanged_since(channel: int, status: str, moment_us: int) -> Iterator[int]:
    """Primary keys of a channel's batch requests in a status, last changed before a moment, oldest change first."""
    for row in rows(channel, status=status, columns=("modified",)):
        if int(row["modified"]) >= moment_us:
            return
        yield int(row["pk"])


def _index(attributes: set[str]) -> str:
    return (
        "by_status" + ("_type" if "type_key" in attributes else "") + ("_modified" if "modified" in attributes else "")
    )
