"""What is kept of serials: stretches of them with their statuses, and the changes that brought these."""

from dataclasses import dataclass
from typing import Any

from batchyard.clock import iso
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.serials.runs import Run


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring serials of one block, as they are stored.

    Args:
        batch: Which batch's they are.
        length: Characters of their codes, without the check character.
        key: Version of the key of their codes.
        runs: Their statuses.
    """

    batch: BatchKey
    length: int
    key: int
    runs: tuple[Run, ...]

    @property
    def first(self) -> int:
        """The first index."""
        return self.runs[0].first

    @property
    def last(self) -> int:
        """The last index."""
        return self.runs[-1].last


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One change of serials' statuses.

    Args:
        batch: Which batch's they are.
        id: Its own ID; those of later changes are greater.
        status: The status that it brought.
        ranges: What it was asked for: number of the first serial within the batch, and how many.
        before: The runs that it changed, as they were; none where it was read for a list.
        changed: How many serials it changed.
        left: How many of the range it left as they were: they had the status already, or one that is final.
        by: The user who made it.
        at: When, in microseconds since the Unix epoch.
        reason: Why, in the user's words.
        undone_by: The user who undid it.
        undone_at: When.
    """

    batch: BatchKey
    id: str
    status: str
    ranges: tuple[tuple[int, int], ...]
    before: tuple[Run, ...]
    changed: int
    left: int
    by: str
    at: int
    reason: str | None = None
    undone_by: str | None = None
    undone_at: int | None = None

    def to_answer(self) -> dict[str, Any]:
        """It as it is answered."""
        return {
            "id": self.id if self.changed else None,
            "status": self.status,
            "ranges": [{"startIndex": start, "count": size} for start, size in self.ranges],
            "changed": self.changed,
            "left": self.left,
            "reason": self.reason,
            "by": self.by,
            "at": iso(self.at),
            "undoneBy": self.undone_by,
            "undoneAt": None if self.undone_at is None else iso(self.undone_at),
        }
