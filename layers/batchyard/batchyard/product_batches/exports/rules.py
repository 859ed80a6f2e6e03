"""What an export of a batch's serials is: what was asked for, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchyard.clock import iso
from batchyard.gs1 import epcis
from batchyard.product_batches import rules
from batchyard.product_batches.rules import BatchKey, Block, ProductBatch, Told

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

ENDED = frozenset({DONE, FAILED})

FORMATS: Mapping[str, tuple[str, str]] = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "ndjson": ("ndjson", "application/x-ndjson"),
    "epcis": ("json", "application/ld+json"),
}
"""The end of a file's name and its media type, by what clients call a format."""

FOLDER = "exports"
"""Where files lie in the bucket."""

LOOK_AFTER_US = 3_600_000_000
"""Microseconds after which an export is looked at that has not ended."""

KEPT_SECONDS = 7 * 86_400
"""How long a file is kept; the bucket's lifecycle rule for `exports/` says the same."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export of a batch's serials.

    Args:
        batch: Which batch's it is.
        id: Its own ID; those of later exports are greater.
        format: One of `FORMATS`.
        total: How many serials it has.
        created: When it was made, in microseconds since the Unix epoch.
        updated: When it last made progress.
        batch_created: When its batch was made, which tells the batch from another one of its ID.
        domain: Where its GS1 Digital Links lead.
        fields: The batch's fields that its rows depend on.
        told: How much of what EPCIS was told of all items of the batch is in it.
        status: `queued`, `running`, `done` or `failed`.
        rows: How many serials are written.
        size: How many bytes are written.
        position: Where the file goes on (`files`); empty at its beginning, None at its end.
        upload: The multipart upload that the file is written by; None for none so far.
        parts: What S3 answered to each part of it, 20 bytes each.
        finished: When it ended.
        reason: Why it failed.
        look_at: When it is looked at whether somebody works on it, in microseconds since the Unix epoch; 0 for never.
        version: Counts its changes; 0 before it is stored.
    """

    batch: BatchKey
    id: str
    format: str
    total: int
    created: int
    updated: int
    batch_created: int
    domain: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    told: int = 0
    status: str = QUEUED
    rows: int = 0
    size: int = 0
    position: str | None = ""
    upload: str | None = None
    parts: bytes = b""
    finished: int | None = None
    reason: str | None = None
    look_at: int = 0
    version: int = 0

    @property
    def key(self) -> str:
        """Where its file lies in the bucket."""
        return f"{FOLDER}/{'/'.join(self.batch)}/{self.id}.{FORMATS[self.format][0]}"

    @property
    def expires_s(self) -> int:
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

    def as_begun(self) -> "Export":
        """It as it was when it was made."""
        return Export(
            batch=self.batch,
            id=self.id,
            format=self.format,
            total=self.total,
            created=self.created,
            updated=self.created,
            batch_created=self.batch_created,
            domain=self.domain,
            fields=self.fields,
            told=self.told,
            look_at=self.created + LOOK_AFTER_US,
        )

    def snapshot_of(self, batch: ProductBatch) -> ProductBatch | None:
        """Its batch as it was when the export was made; None for another one of the same ID."""
        if batch.created != self.batch_created:
            return None
        blocks: list[Block] = []
        left = self.total
        for block in batch.blocks:
            if left:
                blocks.append(replace(block, size=min(block.size, left)))
                left -= blocks[-1].size
        return replace(batch, fields=self.fields, blocks=tuple(blocks), told=batch.told[: self.told])


def telling(batch: ProductBatch, moment: int) -> ProductBatch:
    """A batch once EPCIS is told of it at a moment; `batch` itself where that is nothing new.

    What was told before stays with it, since the next export has to withdraw it.
    """
    days = {
        name: rules.day_of(batch.fields.get(field))
        for name, field in {
            "expiry": "expiryDate",
            "best_before": "bestBeforeDate",
            "produced": "manufactureDate",
            "packaged": "packagingDate",
        }.items()
    }
    if days["expiry"] is not None and rules.is_never(batch.fields["expiryDate"]):
        days["expiry"] = None
    data = epcis.master_data(lot=batch.lot, **days)
    if not batch.quantity or (batch.told and batch.told[-1].data == data):
        return batch
    return replace(batch, told=(*batch.told, Told(moment, data)))
