"""The life cycle of a batch request, and how changes merge into it. Pure: no request, no store."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

from batchyard.actor import UNKNOWN, Actor
from batchyard.clock import iso
from batchyard.errors import Invalid
from batchyard.jsontext import dumps

INITIALIZED, COMMIT, SENT_TO_REMOTE, ONGOING, DONE, FAIL = (
    "initialized",
    "commit",
    "sent_to_remote",
    "ongoing",
    "done",
    "fail",
)

MOVES: Mapping[str, tuple[str, ...]] = {
    INITIALIZED: (COMMIT, DONE, FAIL),
    COMMIT: (COMMIT, SENT_TO_REMOTE, DONE, FAIL),
    SENT_TO_REMOTE: (ONGOING, DONE, FAIL),
    ONGOING: (DONE, FAIL),
    DONE: (),
    FAIL: (),
}
"""The statuses, and where a batch request may go from each."""

STATUSES = tuple(MOVES)
FINISHED = frozenset(status for status, moves in MOVES.items() if not moves)
UNDER_WAY = frozenset({SENT_TO_REMOTE, ONGOING})
"""Statuses of what one worker has taken on, and no other may."""

MOST_OBJECTS = 20_000
"""Objects in one request; a batch request has as many as an answer can hold, by merging."""

OBJECT_FIELDS = ("pk", "failed_reason_type", "remote_id", "version_date", "content_type")


class Wanted(TypedDict, total=False):
    """What a request wants changed: only the fields that it holds; of each object all of `OBJECT_FIELDS`, in order."""

    status: str
    remote_batch_id: str | None
    content_type: str | None
    objects: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One batch request.

    Args:
        pk: Its own, which is also its creation in microseconds since the Unix epoch.
        local_batch_id: A UUID.
        status: One of `STATUSES`.
        modified: Its last change in microseconds since the Unix epoch.
        version: Counts its changes.
        remote_batch_id: What the channel calls it.
        content_type: The kind of its objects.
        objects: Its objects as JSON text, exactly as answered; None before there are any.
        object_count: How many objects there are.
        failed_count: How many of them have a `failed_reason_type`; an empty one is none.
        log_key: Where its log file is; None without one.
        log_digest: SHA-256 of the log file's text.
        actor: Who brought it into its status.
        stored: The attributes in which these very objects are stored, which need not be read to stay as they are;
            None where they are new, or there are none.
    """

    channel: int
    pk: int
    local_batch_id: str
    status: str
    modified: int
    version: int = 0
    remote_batch_id: str | None = None
    content_type: str | None = None
    objects: str | None = None
    object_count: int = 0
    failed_count: int = 0
    log_key: str | None = None
    log_digest: str | None = None
    actor: Actor = UNKNOWN
    stored: Mapping[str, Any] | None = field(default=None, compare=False)

    def to_json(self) -> str:
        """The batch request as it is answered."""
        return (
            f'{{"pk":{self.pk},"channel":{self.channel},"local_batch_id":"{self.local_batch_id}",'
            f'"remote_batch_id":{dumps(self.remote_batch_id)},"content_type":{dumps(self.content_type)},'
            f'"status":"{self.status}","objects":{self.objects or "null"},'
            f'"created_date":"{iso(self.pk)}","modified_date":"{iso(self.modified)}"}}'
        )


def opened(text: str) -> BatchRequest:
    """The batch request of what was answered (`to_json`) when it was opened, as it was then."""
    told = json.loads(text)
    return BatchRequest(
        channel=told["channel"],
        pk=told["pk"],
        local_batch_id=told["local_batch_id"],
        status=told["status"],
        modified=told["pk"],
        version=1,
    )


def revise(current: BatchRequest, change: Wanted, *, whole: bool) -> BatchRequest:
    """What a change makes of a batch request; `current` itself where it changes nothing.

    Args:
        current: The batch request as it is.
        change: What is wanted.
        whole: A given list of objects is the whole list (PUT), instead of being merged (PATCH).

    Raises:
        Invalid: The life cycle does not allow it.
    """
    status = change.get("status", current.status)
    wanted = replace(
        current,
        status=status,
        remote_batch_id=change.get("remote_batch_id", current.remote_batch_id),
        content_type=change.get("content_type", current.content_type),
    )
    if "objects" in change and (whole or change["objects"]):
        wanted = _with_objects(wanted, change["objects"], whole=whole)
    if wanted == current:
        return current
    if status != current.status:
        if status not in MOVES[current.status]:
            raise Invalid({"status": [_no_way(current.status, status)]})
    elif status in FINISHED:
        raise Invalid({"status": [f'The batch request is finished ("{status}") and cannot be changed any more.']})
    elif status in UNDER_WAY and "status" in change:
        _must_not_usurp(current, wanted)
    return wanted


def attach_log(current: BatchRequest, key: str, digest: str) -> BatchRequest:
    """The batch request with a log file, whatever its status is."""
    return replace(current, log_key=key, log_digest=digest)


def _must_not_usurp(current: BatchRequest, wanted: BatchRequest) -> None:
    """Refuses the loser of a race for a move.

    Of two workers that send the same batch off, the second finds its move already made. As a repeat that is fine; but
    where it names another remote batch, taking it would lose the first one's.
    """
    if current.remote_batch_id is not None and wanted.remote_batch_id != current.remote_batch_id:
        raise Invalid(
            {"status": [f'The batch request already is "{current.status}", with another remote_batch_id.']},
        )


def _no_way(current: str, wanted: str) -> str:
    allowed = ", ".join(f'"{status}"' for status in MOVES[current]) or "nothing"
    return f'Status cannot be changed from "{current}" to "{wanted}". Allowed from "{current}": {allowed}.'


def _with_objects(batch: BatchRequest, given: list[dict[str, Any]] | None, *, whole: bool) -> BatchRequest:
    if given is None:
        return replace(batch, objects=None, object_count=0, failed_count=0, stored=None)
    merged = {} if whole else {_twin(entry): entry for entry in json.loads(batch.objects or "[]")}
    merged.update((_twin(entry), entry) for entry in given)
    objects = dumps(list(merged.values()))
    if objects == batch.objects:
        return batch
    return replace(
        batch,
        objects=objects,
        object_count=len(merged),
        failed_count=_failed(merged.values()),
        stored=None,
    )


def _twin(entry: dict[str, Any]) -> tuple[str | None, int]:
    """What makes two entries the same object."""
    return entry["content_type"], entry["pk"]


def _failed(entries: Iterable[dict[str, Any]]) -> int:
    return sum(bool(entry["failed_reason_type"]) for entry in entries)
