"""What a batch job is, and which moves its life has. No store, no HTTP."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from batchyard.clock import iso_milliseconds
from batchyard.errors import NotAllowed
from batchyard.jsontext import dumps

CREATED, PRE_PROCESSED, CONFIRMED, PROCESSING = "created", "pre_processed", "confirmed", "processing"
COMPLETED, FAILED, CANCELED = "completed", "failed", "canceled"

ENDED = frozenset({COMPLETED, FAILED, CANCELED})

KEPT_SECONDS = 90 * 86_400
"""How long a job is kept."""

LARGEST_CONTEXT = 64 * 1024
"""Bytes of a job's context, as JSON."""

MOST_UNFINISHED = 20
"""Jobs of one user that have not ended."""

LOOK_AFTER_US = 900_000_000
"""Microseconds after which a job is looked at that works and has made no progress."""

CONFIRM_WITHIN_US = 7 * 86_400_000_000
"""Microseconds that a job waits for its confirmation."""

UNDO_WITHIN_US = 7 * 86_400_000_000
"""Microseconds after its end for which a job can be taken back."""

UNDONE = "completed"
"""The status of taking back that has ended well; `FAILED` is that of one that nobody could go on with."""

LISTED_ERRORS = 100
"""Errors that a job's result lists."""

LARGEST_LISTED = 96 * 1024
"""Bytes of them as JSON, about: an item has 400 kB, and long titles may be in each of them."""

LONGEST_MESSAGE = 300
"""Characters of an error in a job's result."""

READ, WRITE = "read", "write"

EXPORT, IMPORT, DELETE = "product-export", "product-import", "product-delete"

TYPES: Mapping[str, str] = {EXPORT: READ, IMPORT: WRITE, DELETE: WRITE}
"""The types of jobs, and what of the catalogue each must be permitted."""


class JobError(NamedTuple):
    """What is wrong with a job, or with a row of its file.

    Attributes:
        code: A name for programs.
        message: A sentence for people.
        line: The data row, from 1; None for all of the job.
        column: The title of the column.
        suggestion: What may have been meant, or what else helps.
    """

    code: str
    message: str
    line: int | None = None
    column: str | None = None
    suggestion: str | None = None

    def to_answer(self) -> dict[str, Any]:
        """It as a job's result lists it."""
        message = _cut(self.message)
        column = None if self.column is None else _cut(self.column)
        place = {"line": self.line, "column": column, "suggestion": self.suggestion}
        return {
            "code": self.code,
            "message": message,
            **{name: value for name, value in place.items() if value is not None},
            "err": message,
        }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def listed(errors: Iterable[JobError], before: Sequence[Mapping[str, Any]] = ()) -> list[Mapping[str, Any]]:
    """The first errors of a job as its result lists them.

    Args:
        errors: Errors, in their order.
        before: What is listed already.
    """
    found = [*before]
    size = len(dumps(found).encode())
    for error in islice(errors, max(0, LISTED_ERRORS - len(found))):
        answer = error.to_answer()
        size += len(dumps(answer).encode())
        if size > LARGEST_LISTED:
            break
        found.append(answer)
    return found


@dataclass(frozen=True, slots=True)
class Job:
    """A batch job.

    Args:
        id: `batch_` and a ULID.
        type: One of `TYPES`.
        owner: ID of the user whose it is: `usr_…`.
        user: The name of that user.
        context: What was asked for, as it came.
        created: When it was made, in microseconds since the Unix epoch.
        updated: When it last changed, progress included.
        dry_run: It waits for its confirmation.
        status: Where it is.
        entered: When it entered each status that it was in, in microseconds since the Unix epoch.
        result: What it has brought so far, as it is answered; None before anything is known.
        state: Where its work stands, as its strategy keeps it; None where nothing is left to do or to clean up.
        look_at: When somebody must look at it, in microseconds since the Unix epoch; 0 for never.
        version: Counts its changes; 0 before it is stored.
    """

    id: str
    type: str
    owner: str
    user: str
    context: Mapping[str, Any]
    created: int
    updated: int
    dry_run: bool = False
    status: str = CREATED
    entered: Mapping[str, int] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = field(default_factory=dict)
    look_at: int = 0
    version: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether its status is one that it stays in."""
        return self.status in ENDED

    @property
    def has_work(self) -> bool:
        """Whether there is something that a worker can do now; of one that has ended, cleaning up."""
        return self.state is not None and self.status != PRE_PROCESSED

    @property
    def expires_s(self) -> int:
        """When it is forgotten, in seconds since the Unix epoch."""
        return self.created // 1_000_000 + KEPT_SECONDS

    def moved(self, *statuses: str, now: int, **changes: Any) -> "Job":
        """It after it entered these statuses, one after the other, at a moment.

        Args:
            statuses: The statuses; none for progress within the present one.
            now: The moment, in microseconds since the Unix epoch.
            changes: What else becomes of it.
        """
        entered = {**self.entered, **dict.fromkeys(statuses, now)}
        status = statuses[-1] if statuses else self.status
        moved = replace(self, status=status, entered=entered, updated=max(now, self.updated), **changes)
        if not moved.has_work and status != PRE_PROCESSED:
            return replace(moved, look_at=0)
        return moved.looked_at_next(now) if statuses else moved

    def looked_at_next(self, now: int) -> "Job":
        """It with the moment when somebody must look at it again, if it then still is as it is now."""
        return replace(self, look_at=now + (CONFIRM_WITHIN_US if self.status == PRE_PROCESSED else LOOK_AFTER_US))

    def failed(self, error: JobError, now: int) -> "Job":
        """It after it failed as a whole."""
        errors = {"errors": [error.to_answer()], "error_count": 1}
        return self.moved(FAILED, now=now, result={**(self.result or {}), **errors})

    def pre_processed(self, result: Mapping[str, Any], state: Mapping[str, Any], now: int) -> "Job":
        """It once it is known what it will do; it goes on by itself unless it is a dry run."""
        statuses = (PRE_PROCESSED,) if self.dry_run else (PRE_PROCESSED, CONFIRMED)
        return self.moved(*statuses, now=now, result=result, state=state)

    def confirmed(self, now: int) -> "Job":
        """It after a person said yes.

        Raises:
            NotAllowed: It does not wait for that.
        """
        if self.status != PRE_PROCESSED:
            raise NotAllowed("Cannot confirm processing for a batch job that is not pre processed")
        return self.moved(CONFIRMED, now=now)

    def canceled(self, now: int) -> "Job":
        """It after it was called off; one that failed or was canceled before stays as it is.

        Raises:
            NotAllowed: It is completed.
        """
        if self.status == COMPLETED:
            raise NotAllowed("Cannot cancel completed batch job")
        return self if self.has_ended else self.moved(CANCELED, now=now)

    def left_off(self, now: int) -> "Job":
        """It once nobody goes on with what was left to do after its end; what was to be taken back can be asked for."""
        result = dict(self.result or {})
        if result.get("undo", {"status": UNDONE})["status"] != UNDONE:
            result["undo"] = {**result["undo"], "status": FAILED}
        return self.moved(now=now, result=result or None, state=None)

    def undone(self, now: int) -> "Job":
        """It once what it did is to be taken back; itself where that was asked for before and did not fail.

        Raises:
            NotAllowed: There is nothing to take back, or not any more.
        """
        if self.type == EXPORT:
            raise NotAllowed(f"Cannot undo a batch job of the type {self.type}: it has changed nothing")
        result = dict(self.result or {})
        has_failed = result.get("undo", {}).get("status") == FAILED
        if self.status != COMPLETED and not has_failed:
            raise NotAllowed("Cannot undo a batch job that is not completed")
        if "undo" in result and not has_failed:
            return self
        if now > self.entered[self.status] + UNDO_WITHIN_US:
            raise NotAllowed("Cannot undo a batch job that was completed more than 7 days ago")
        result["undo"] = result.get("undo") or {"count": result["products"], "advancement_count": 0}
        result["undo"] = {**result["undo"], "status": "pending"}
        state = {**(self.state or {}), "takes_back": True}
        return self.moved(now=now, result=result, state=state).looked_at_next(now)

    def to_answer(self) -> dict[str, Any]:
        """It as clients get it: always all of its keys."""
        return {
            "id": self.id,
            "type": self.type,
            "status": self.status,
            "created_by": self.owner,
            "context": self.context,
            "result": self.result,
            "dry_run": self.dry_run,
            **{f"{status}_at": _moment(self.entered.get(status)) for status in MOMENTS},
            "created_at": _moment(self.created),
            "updated_at": _moment(self.updated),
            "deleted_at": None,
        }

    def user_to_answer(self) -> dict[str, Any]:
        """Its user as clients get them who ask for it."""
        return {"id": self.owner, "email": self.user}


MOMENTS = (PRE_PROCESSED, PROCESSING, CONFIRMED, COMPLETED, CANCELED, FAILED)
"""Statuses of which a job tells when it entered them."""

COLUMNS = (
    *("id", "type", "status", "created_by", "context", "result", "dry_run"),
    *(f"{status}_at" for status in MOMENTS),
    *("created_at", "updated_at", "deleted_at"),
)
"""The keys of a job as it is answered."""


def _moment(moment_us: int | None) -> str | None:
    return None if moment_us is None else iso_milliseconds(moment_us)
