"""A batch job as the service answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.jobs.endings import NoAnswer

ENDED = frozenset({"completed", "failed", "canceled"})
EXPORT, IMPORT, DELETE = "product-export", "product-import", "product-delete"
CHANGED_SINCE = "changed_since"


@dataclass(frozen=True)
class Job:
    """A batch job.

    Args:
        answer: What the service says it is.
    """

    answer: Mapping[str, Any]

    def __post_init__(self) -> None:
        known = all(isinstance(self.answer.get(name), str) for name in ("id", "type", "status"))
        if not known or not isinstance(self.answer.get("result"), dict | None):
            raise NoAnswer("What is answered is no batch job: is the address right?")

    @property
    def id(self) -> str:
        return str(self.answer["id"])

    @property
    def type(self) -> str:
        return str(self.answer["type"])

    @property
    def status(self) -> str:
        return str(self.answer["status"])

    @property
    def context(self) -> Mapping[str, Any]:
        """What it was asked to do."""
        found = self.answer.get("context")
        return found if isinstance(found, dict) else {}

    @property
    def result(self) -> Mapping[str, Any]:
        return self.answer["result"] or {}

    @property
    def undo(self) -> Mapping[str, Any] | None:
        """How far what it did is taken back; None if it is not."""
        found = self.result.get("undo")
        return found if isinstance(found, dict) else None

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """Those that its result lists."""
        return self.result.get("errors") or ()

    @property
    def error_count(self) -> int:
        """All of them, also those that are not listed."""
        return max(int(self.result.get("error_count") or 0), len(self.errors))

    @property
    def is_unreadable(self) -> bool:
        """Whether it failed before it looked at rows."""
        return self.status == "failed" and "operations" not in self.result

    @property
    def kept(self) -> Sequence[Mapping[str, Any]]:
        """What could not be taken back, as far as it is listed."""
        return [error for error in self.errors if error.get("code") == CHANGED_SINCE]

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_waiting(self) -> bool:
        """Whether it goes on only after somebody confirms it."""
        return self.status == "pre_processed" and bool(self.answer.get("dry_run"))

    @property
    def is_about_to_be_undone(self) -> bool:
        """Whether what it did will be taken back, though the service does not tell yet how far it is."""
        stopped = self.status in {"failed", "canceled"}
        return stopped and self.type != EXPORT and bool(self.answer.get("processing_at")) and self.undo is None

    @property
    def is_settled(self) -> bool:
        """Whether nothing will happen to it any more by itself."""
        if not self.has_ended or self.is_about_to_be_undone:
            return False
        return self.undo is None or self.undo.get("status") == "completed"

    @property
    def progress(self) -> tuple[int, int | None]:
        """How much of what it does now is done, and how much there is; None where that is not known yet."""
        where = self.undo if self.undo is not None else self.result
        count = where.get("count")
        return int(where.get("advancement_count") or 0), None if count is None else int(count)

    @property
    def seconds(self) -> float | None:
        """How long the work itself took, behind the preview where there is one; None if it did not come that far."""
        has_preview = self.type != EXPORT or self.answer.get("dry_run")
        begin, end = self.answer.get("processing_at" if has_preview else "created_at"), self.answer.get("completed_at")
        if not begin or not end:
            return None
        return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
