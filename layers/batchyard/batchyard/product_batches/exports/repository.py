"""Exports as items: `export <batch> <product> <id>`, beside their batch, for as long as their files are kept."""

import json
from collections.abc import Iterator
from dataclasses import replace

from batchyard.jsontext import dumps
from batchyard.product_batches.by_expiry import BY_EXPIRY
from batchyard.product_batches.exports.rules import ENDED, Export
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.sort_keys import export_key, names_in
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit

_NOT_ENDED = "export"
"""What exports have in the index of what is due, where active batches have another word."""


def get(unit: Unit, batch: BatchKey, id: str) -> Export | None:
    """An export as this unit will leave it."""
    item = unit.get(PRODUCT_BATCHES, export_key(batch, id))
    return None if item is None else decode(item)


def put(unit: Unit, export: Export) -> Export:
    """Stages an export that `get` found, or that is new; returns it with its new version."""
    return replace(export, version=int(unit.put(PRODUCT_BATCHES, encode(export))["version"]))


def encode(export: Export) -> Item:
    """The item of an export."""
    item: dict[str, items.Value | None] = {
        **export_key(export.batch, export.id),
        "format": export.format,
        "total": export.total,
        "created": export.created,
        "updated": export.updated,
        "made": export.batch_created,
        "domain": export.domain,
        "fields": dumps(export.fields),
        "told": export.told,
        "status": export.status,
        "rows": export.rows,
        "bytes": export.size,
        "position": export.position,
        "upload": export.upload,
        "parts": export.parts or None,
        "finished": export.finished,
        "reason": export.reason,
        "expires": export.expires_s,
        "version": export.version,
    }
    if export.status not in ENDED and export.look_at:
        item |= BY_EXPIRY.attributes(_NOT_ENDED, export_key(export.batch, export.id), export.look_at)
    return items.present(item)


def decode(item: Item) -> Export:
    """The export of an item."""
    batch, id = names_in(item)
    return Export(
        batch=batch,
        id=id,
        format=str(item["format"]),
        total=int(item["total"]),
        created=int(item["created"]),
        updated=int(item["updated"]),
        batch_created=int(item["made"]),
        domain=str(item["domain"]),
        fields=json.loads(str(item["fields"])),
        told=int(item.get("told", 0)),
        status=str(item["status"]),
        rows=int(item["rows"]),
        size=int(item["bytes"]),
        position=items.text(item, "position"),
        upload=items.text(item, "upload"),
        parts=item.get("parts", b""),  # type: ignore[arg-type]
        finished=items.number(item, "finished"),
        reason=items.text(item, "reason"),
        look_at=items.number(item, "expires_at") or 0,
        version=int(item["version"]),
    )


def due(moment_us: int) -> Iterator[tuple[BatchKey, str]]:
    """Exports that are to be looked at by a moment, as the index has them: their batches and their own IDs.

    Raises:
        Unavailable: The store did not answer.
    """
    yield from map(names_in, BY_EXPIRY.until(_NOT_ENDED, moment_us))
