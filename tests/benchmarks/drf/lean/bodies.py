"""Bodies of the contract, checked by hand."""

from typing import Any

import orjson
from lean.models import BatchRequest, Status
from rest_framework.exceptions import ValidationError

MOVES: dict[str, set[str]] = {
    Status.INITIALIZED: {Status.INITIALIZED, Status.COMMIT, Status.DONE, Status.FAIL},
    Status.COMMIT: {Status.COMMIT, Status.SENT_TO_REMOTE, Status.DONE, Status.FAIL},
    Status.SENT_TO_REMOTE: {Status.SENT_TO_REMOTE, Status.ONGOING, Status.DONE, Status.FAIL},
    Status.ONGOING: {Status.ONGOING, Status.DONE, Status.FAIL},
    Status.DONE: {Status.DONE},
    Status.FAIL: {Status.FAIL},
}
TEXTS = ("failed_reason_type", "remote_id", "version_date", "content_type")
_LONGEST = 255

type Object = dict[str, Any]


def checked(body: Any, channel: int) -> dict[str, Any]:
    """The fields of a body that may be changed.

    Raises:
        ValidationError: Something is not as the contract has it; by field.
    """
    if not isinstance(body, dict):
        raise ValidationError({"non_field_errors": ["Invalid data. Expected a dictionary."]})
    wrong: dict[str, list[str]] = {}
    if body.get("channel", channel) != channel:
        wrong["channel"] = ["The channel of the body is not the channel of the path."]
    found: dict[str, Any] = {}
    for name in ("remote_batch_id", "content_type", "log_file"):
        if name in body:
            found[name] = body[name]
            if not _is_text(body[name], None if name == "log_file" else _LONGEST):
                wrong[name] = ["Not a valid string."]
    if "status" in body:
        found["status"] = body["status"]
        if body["status"] not in MOVES:
            wrong["status"] = [f'"{body["status"]}" is not a valid choice.']
    if body.get("objects") is not None:
        found["objects"] = body["objects"]
        if not isinstance(body["objects"], list) or not all(map(_is_object, body["objects"])):
            wrong["objects"] = ["Expected objects with a pk and texts."]
    if wrong:
        raise ValidationError(wrong)
    return found


def change(batch: BatchRequest, wanted: dict[str, Any]) -> None:
    """Makes a batch request what is wanted of it.

    Raises:
        ValidationError: It may not move there.
    """
    status = wanted.get("status", batch.status)
    if status not in MOVES[batch.status]:
        allowed = ", ".join(sorted(MOVES[batch.status]))
        raise ValidationError({"status": [f"Cannot move from {batch.status} to {status}. Allowed: {allowed}."]})
    given = wanted.pop("objects", None)
    for name, value in wanted.items():
        setattr(batch, name, value)
    if given:
        batch.objects_list = orjson.dumps(_merged(batch.objects_list, given)).decode()


def shown(batch: BatchRequest) -> dict[str, Any]:
    """A batch request as it is answered."""
    return {
        "pk": batch.pk,
        "channel": batch.channel_id,
        "local_batch_id": batch.local_batch_id,
        "remote_batch_id": batch.remote_batch_id,
        "content_type": batch.content_type,
        "status": batch.status,
        "objects": None if batch.objects_list is None else orjson.Fragment(batch.objects_list),
        "created_date": batch.created_date,
        "modified_date": batch.modified_date,
    }


def _merged(kept: str | None, given: list[Object]) -> list[Object]:
    there = {(one["content_type"], one["pk"]): one for one in (orjson.loads(kept) if kept else ())}
    for one in given:
        place = one.get("content_type"), one["pk"]
        new = there.get(place) or {"pk": one["pk"], **dict.fromkeys(TEXTS), "content_type": place[0]}
        there[place] = {**new, **{name: one[name] for name in TEXTS if name in one}}
    return list(there.values())


def _is_object(one: Any) -> bool:
    return (
        type(one) is dict
        and type(one.get("pk")) is int
        and all(value is None or (type(value) is str and len(value) <= _LONGEST) for value in map(one.get, TEXTS))
    )


def _is_text(value: Any, longest: int | None) -> bool:
    return value is None or (isinstance(value, str) and (longest is None or len(value) <= longest))
