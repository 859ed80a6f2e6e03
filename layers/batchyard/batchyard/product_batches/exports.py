"""Exports of a batch's serials: what is asked for, what the table keeps of it, and how clients see it.

An export is one item beside its batch, `export <batch> <product> <id>`, for as long as its file is kept. It shows the
batch as it was when the export was made: its fields are kept here, and of its serials, which only grow, the first
`total` are taken. The item is also where the work stands, so that any worker can go on with it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from batchyard import clock
from batchyard.clock import iso
from batchyard.errors import Conflict, NotFound, Unavailable
from batchyard.jsontext import dumps
from batchyard.product_batches import moment_ids, operations, repository, rules
from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.store import blobs, items, queues
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.replies import once
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit, transact

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
ENDED = frozenset({DONE, FAILED})

FORMATS: Mapping[str, tuple[str, str]] = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "ndjson": ("ndjson", "application/x-ndjson"),
    "epcis": ("json", "application/ld+json"),
}
"""The end of a file's name and its media type, by what clients call a format."""

LISTED = 20
"""Exports that a batch shows, at most."""

DOWNLOAD_SECONDS = 300

KEPT_SECONDS = 7 * 86_400
"""How long a file is kept; the bucket's lifecycle rule for `exports/` says the same."""

_KIND = "export"
_AT_ONCE = 10
_FIELDS = ("gtin", "variant", "lotNumber", *rules.DATES)


@dataclass(frozen=True, slots=True)
class Export:
    """One export of a batch's serials.

    Args:
        collection: ID of the collection.
        product: ID of the product.
        batch: ID of the batch.
        id: Its own ID; those of later exports are greater.
        format: One of `FORMATS`.
        total: How many serials it has.
        created: When it was made, in microseconds since the Unix epoch.
        updated: When it last made progress.
        made: When its batch was made, which tells the batch from another one of its ID.
        domain: Where its GS1 Digital Links lead.
        fields: The batch's fields that its rows depend on.
        status: `queued`, `running`, `done` or `failed`.
        rows: How many serials are written.
        size: How many bytes are written.
        position: Where the file goes on (`export_files`); empty at its beginning, None at its end.
        upload: The multipart upload that the file is written by; None for none so far.
        parts: What S3 answered to each part of it, 20 bytes each.
        finished: When it ended.
        reason: Why it failed.
        version: Counts its changes; 0 before it is stored.
    """

    collection: str
    product: str
    batch: str
    id: str
    format: str
    total: int
    created: int
    updated: int
    made: int
    domain: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    status: str = QUEUED
    rows: int = 0
    size: int = 0
    position: str | None = ""
    upload: str | None = None
    parts: bytes = b""
    finished: int | None = None
    reason: str | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """Where its file lies in the bucket."""
        return f"{blobs.EXPORTS}/{self.collection}/{self.product}/{self.batch}/{self.id}.{FORMATS[self.format][0]}"

    @property
    def expires(self) -> int:
        """When it is forgotten, in seconds since the Unix epoch."""
        return self.created // 1_000_000 + KEPT_SECONDS

    def to_answer(self) -> dict[str, Any]:
        """It as an administrator sees it on its batch."""
        later = {
            "finishedAt": None if self.finished is None else iso(self.finished),
            "bytes": self.size if self.status == DONE else None,
            "reason": self.reason,
        }
        return {
            "id": self.id,
            "format": self.format,
            "status": self.status,
            "rows": self.rows,
            "total": self.total,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
            **{name: value for name, value in later.items() if value is not None},
        }

    def of(self, batch: ProductBatch) -> ProductBatch | None:
        """Its batch as it was when the export was made; None for another one of the same ID."""
        if batch.created != self.made:
            return None
        blocks: list[Block] = []
        left = self.total
        for block in batch.blocks:
            if left:
                blocks.append(replace(block, size=min(block.size, left)))
                left -= blocks[-1].size
        return replace(batch, fields=self.fields, blocks=tuple(blocks))


def start(
    collection: str,
    product: str,
    batch: str,
    kind: str,
    *,
    idempotency_key: str | None = None,
    scope: str = "",
) -> str:
    """Asks for an export and answers it as JSON; a repeat with the same key answers the first one again.

    Args:
        collection: ID of the collection.
        product: ID of the product.
        batch: ID of the batch.
        kind: The format, one of `FORMATS`.
        idempotency_key: The caller's key for this request.
        scope: Whose key it is.

    Raises:
        NotFound: There is no such batch.
        Conflict: The batch has no GTIN, and the format needs one.
    """
    now = clock.now()
    id = moment_ids.new(now)
    tried: Export | None = None

    def operation(unit: Unit) -> str:
        def make() -> str:
            nonlocal tried
            # Nobody else has this ID: it is there if the answer to the first try got lost, and a worker then changed it
            # before botocore's repeat.
            if tried is not None and get(unit, collection, product, batch, id) is not None:
                return dumps(tried.to_answer())
            found = operations.find(unit, collection, product, batch)
            if kind == "epcis" and "gtin" not in found.fields:
                raise Conflict("EPCIS names items by their GTIN, and the batch has none.", code="NO_GTIN")
            if not found.exports:
                repository.put(unit, replace(found, exports=True))
            # A clock that is behind must not date it before its batch, whose history is read up to here.
            created = max(now, found.created)
            tried = Export(
                collection=collection,
                product=product,
                batch=batch,
                id=id,
                format=kind,
                total=found.quantity,
                created=created,
                updated=created,
                made=found.created,
                domain=operations.link_domain(),
                fields={name: found.fields[name] for name in _FIELDS if name in found.fields},
            )
            put(unit, tried)
            return dumps(tried.to_answer())

        return once(unit, idempotency_key, f"{scope} exports {collection} {product} {batch}", make)

    return transact(operation)


def retrieve(collection: str, product: str, batch: str, id: str) -> dict[str, Any]:
    """An export as it is answered by itself: with a URL to download its file at, once that is complete.

    Raises:
        NotFound: There is no such batch, or no such export of it, or its file is not kept any more.
    """

    def operation(unit: Unit) -> Export:
        found = operations.find(unit, collection, product, batch)
        export = get(unit, collection, product, batch, id)
        if export is None or not _is_kept(export) or export.made != found.created:
            raise NotFound(f'There is no export "{id}" of this batch.')
        return export

    export = transact(operation)
    if export.status != DONE:
        return export.to_answer()
    name = f"{export.batch}-{export.id}.{FORMATS[export.format][0]}"
    # The batch's ID may hold what ends a quoted file name, or only looks like one.
    url = blobs.download_url(export.key, DOWNLOAD_SECONDS, f"attachment; filename*=UTF-8''{quote(name, safe='')}")
    return {**export.to_answer(), "downloadUrl": url}


def latest(batch: ProductBatch) -> list[dict[str, Any]]:
    """The latest exports of a batch as they are answered on it, the last one first.

    Raises:
        Unavailable: The store did not answer.
    """
    if not batch.exports:
        return []
    prefix = str(_key(batch.collection, batch.product, batch.id, "")["sort_key"])
    request = repository.beginning(batch.collection, prefix) | {"ScanIndexForward": False, "Limit": LISTED}
    found: list[dict[str, Any]] = []
    for item in query(request):
        export = decode(item)
        # Earlier ones are of a former batch of this ID, or forgotten.
        if export.made != batch.created or not _is_kept(export):
            break
        found.append(export.to_answer())
        if len(found) == LISTED:
            break
    return found


def get(unit: Unit, collection: str, product: str, batch: str, id: str) -> Export | None:
    """An export as this unit will leave it."""
    item = unit.get(PRODUCT_BATCHES, _key(collection, product, batch, id))
    return None if item is None else decode(item)


def put(unit: Unit, export: Export) -> Export:
    """Stages an export that `get` found, or that is new; answers it with its new version."""
    return replace(export, version=int(unit.put(PRODUCT_BATCHES, encode(export))["version"]))


def encode(export: Export) -> Item:
    """The item of an export."""
    item: dict[str, items.Value | None] = {
        **_key(export.collection, export.product, export.batch, export.id),
        "format": export.format,
        "total": export.total,
        "created": export.created,
        "updated": export.updated,
        "made": export.made,
        "domain": export.domain,
        "fields": dumps(export.fields),
        "status": export.status,
        "rows": export.rows,
        "bytes": export.size,
        "position": export.position,
        "upload": export.upload,
        "parts": export.parts or None,
        "finished": export.finished,
        "reason": export.reason,
        "expires": export.expires,
        "version": export.version,
    }
    return items.present(item)


def decode(item: Item) -> Export:
    """The export of an item."""
    batch, product, id = repository.names_in(item)
    return Export(
        collection=str(item["collection_id"]),
        product=product,
        batch=batch,
        id=id,
        format=str(item["format"]),
        total=int(item["total"]),
        created=int(item["created"]),
        updated=int(item["updated"]),
        made=int(item["made"]),
        domain=str(item["domain"]),
        fields=json.loads(str(item["fields"])),
        status=str(item["status"]),
        rows=int(item["rows"]),
        size=int(item["bytes"]),
        position=items.text(item, "position"),
        upload=items.text(item, "upload"),
        parts=item.get("parts", b""),  # type: ignore[arg-type]
        finished=items.number(item, "finished"),
        reason=items.text(item, "reason"),
        version=int(item["version"]),
    )


# From the table to those who do the work.


def start_work(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Tells the workers of new exports; answers the sequence number of the first record that failed, None if none did.

    Args:
        records: Records of the table's change stream.
    """
    for position in range(0, len(records), _AT_ONCE):
        part = records[position : position + _AT_ONCE]
        try:
            announce([message for record in part if (message := _message(record)) is not None])
        except Unavailable:
            return str(part[0]["dynamodb"]["SequenceNumber"])
    return None


def announce(messages: Sequence[Mapping[str, str]]) -> None:
    """Tells the workers of exports that have work left, ten at most.

    Raises:
        Unavailable: The queue did not take it.
    """
    queues.send(os.environ["EXPORTS_QUEUE_URL"], [dumps(message) for message in messages])


def _message(record: Mapping[str, Any]) -> dict[str, str] | None:
    key = items.decode(record["dynamodb"]["Keys"])
    if record["eventName"] != "INSERT" or not str(key["sort_key"]).startswith(f"{_KIND} "):
        return None
    batch, product, id = repository.names_in(key)
    return {"collection": str(key["collection_id"]), "product": product, "batch": batch, "export": id}


def _is_kept(export: Export) -> bool:
    return clock.now() // 1_000_000 < export.expires


def _key(collection: str, product: str, batch: str, id: str) -> Key:
    return {"collection_id": collection, "sort_key": f"{_KIND} {batch} {product} {id}"}
