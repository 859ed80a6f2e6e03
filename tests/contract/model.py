"""What the contract promises, as simply as it can be said: batch requests are dictionaries in a list.

Nothing in here knows how the service does it.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

type Json = dict[str, Any]

MOVES: dict[str, set[str]] = {
    "initialized": {"commit", "done", "fail"},
    "commit": {"sent_to_remote", "done", "fail"},
    "sent_to_remote": {"ongoing", "done", "fail"},
    "ongoing": {"done", "fail"},
    "done": set(),
    "fail": set(),
}
FINISHED = {"done", "fail"}
UNDER_WAY = {"sent_to_remote", "ongoing"}
OBJECT = {"pk": None, "failed_reason_type": None, "remote_id": None, "version_date": None, "content_type": None}
COLUMNS = {
    "pk": "pk",
    "created_date": "pk",
    "modified_date": "modified_date",
    "status": "status",
    "content_type": "content_type",
}


class Refused(Exception):
    """The life cycle does not allow it."""


@dataclass
class Batch:
    """A batch request.

    Args:
        body: What is answered.
        version: Counts its changes.
        log: The text of its log file.
        touched: When it was last changed, counted in changes of anything.
    """

    body: Json
    version: int = 1
    log: str | None = None
    touched: int = 0

    @property
    def pk(self) -> int:
        """Its primary key."""
        return int(self.body["pk"])

    @property
    def etag(self) -> str:
        """Its entity tag."""
        return f'"{self.version}"'


def text(value: Any) -> Any:
    """Text as it is kept."""
    return str(value).strip() if value is not None else None


def revised(batch: Batch, wanted: Mapping[str, Any], *, whole: bool) -> tuple[Json, str | None]:
    """What a request makes of a batch request and its log file.

    Raises:
        Refused: It must not.
    """
    body = deepcopy(batch.body)
    for name in ("remote_batch_id", "content_type"):
        if name in wanted:
            body[name] = text(wanted[name])
    given = wanted.get("objects")
    if "objects" in wanted and (whole or given):
        body["objects"] = None if given is None else merged([] if whole else body["objects"] or [], given)
    before, after = body["status"], wanted.get("status", body["status"])
    body["status"] = after
    if after != before and after not in MOVES[before]:
        raise Refused
    if body != batch.body:
        if before in FINISHED:
            raise Refused
        # Of two workers that send one batch off, the second must learn that it lost.
        taken = batch.body["remote_batch_id"]
        if before == wanted.get("status") and before in UNDER_WAY and taken not in {None, body["remote_batch_id"]}:
            raise Refused
    log = wanted.get("log_file")
    return body, batch.log if log is None else str(log)


def merged(present: list[Json], given: list[Json]) -> list[Json]:
    """Objects with others laid over them: each replaces its twin."""
    twins = {(entry["content_type"], entry["pk"]): entry for entry in present}
    for entry in given:
        whole = {**OBJECT, **entry}
        for name in ("remote_id", "content_type", "failed_reason_type"):
            whole[name] = text(whole[name])
        twins[whole["content_type"], whole["pk"]] = whole
    return list(twins.values())


@dataclass(frozen=True)
class Question:
    """What is asked of a list."""

    status: tuple[str, ...] = ()
    content_type: str | None = None
    ordering: tuple[str, ...] = ()
    limit: int = 20

    def query(self, page: int) -> list[tuple[str, str]]:
        """The query parameters for a page."""
        parameters = [("status", status) for status in self.status]
        if self.content_type is not None:
            parameters.append(("content_type", self.content_type))
        if self.ordering:
            parameters.append(("ordering", ",".join(self.ordering)))
        return [*parameters, ("limit", str(self.limit)), ("page", str(page))]

    def matches(self, batch: Batch) -> bool:
        """Whether a batch request belongs to what is asked for."""
        if self.status and batch.body["status"] not in self.status:
            return False
        return self.content_type is None or batch.body["content_type"] == self.content_type

    def ordered(self, batches: Iterable[Batch]) -> list[Batch]:
        """Batch requests in the order that is asked for; ties go by primary key, in the last column's direction."""
        columns: dict[str, bool] = {}
        for name in self.ordering:
            column = COLUMNS.get(name.removeprefix("-"))
            if column is not None and column not in columns:
                columns[column] = name.startswith("-")
                if column in {"pk", "modified_date"}:
                    # There are no ties left that anything after it could order.
                    break
        found = sorted(batches, key=lambda batch: batch.pk, reverse=bool(columns) and list(columns.values())[-1])
        for name, descending in reversed(columns.items()):
            found.sort(key=lambda batch: _null_last(batch.body[name]), reverse=descending)
        return found


def _null_last(value: Any) -> tuple[bool, Any]:
    return value is None, value if value is not None else ""
