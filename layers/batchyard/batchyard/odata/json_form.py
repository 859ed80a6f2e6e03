"""The JSON form of a batch (OData JSON Format 4.01, 19), read into the same envelope as the multipart forms."""

import json
from typing import Any, TypeGuard

from batchyard.echoes import echo
from batchyard.http.bounds import must_hold_few_values, object_of
from batchyard.http.urls import add_line
from batchyard.odata.envelope import (
    FORBIDDEN_CHARACTERS,
    HEADER_NAME,
    LARGEST_HEADERS,
    LONGEST_ID,
    METHOD,
    Batch,
    ChangeSet,
    MalformedBatchError,
    MalformedPartError,
    PartRequest,
    must_not_exceed,
)

_NAME = f"a string of 1 to {LONGEST_ID} printable characters"


def parse(body: bytes) -> Batch:
    """The batch in a JSON body.

    Raises:
        MalformedBatchError: The envelope cannot be read, or holds too many requests.
    """
    try:
        text = body.decode()
        must_hold_few_values(text)
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=object_of)
    except (ValueError, RecursionError) as error:
        raise MalformedBatchError(f"The batch is no JSON: {error}") from None
    entries = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise MalformedBatchError("The batch must be an object with requests, a list of objects.")
    must_not_exceed(len(entries))
    batch = Batch()
    names: set[str] = set()
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise MalformedBatchError(f"requests[{position}] must be an object.")
        _must_have_names(entry, position, names)
        _place(batch, entry, names)
    return batch


def _must_have_names(entry: dict[str, Any], position: int, names: set[str]) -> None:
    """Raises `MalformedBatchError` for a request without a usable ID or group, or of unknown dependencies."""
    place, group, needed = f"requests[{position}]", entry.get("atomicityGroup"), entry.get("dependsOn") or []
    if not _is_name(entry.get("id")):
        raise MalformedBatchError(f"{place} must have an id, {_NAME}.")
    if group is not None and not _is_name(group):
        raise MalformedBatchError(f"The atomicityGroup of {place} must be {_NAME}.")
    if not isinstance(needed, list):
        raise MalformedBatchError(f"{place} must depend on a list of requests and groups (dependsOn).")
    for name in needed:
        if not isinstance(name, str) or name not in names:
            told = json.dumps(name, ensure_ascii=False)
            raise MalformedBatchError(f"{place} depends on {echo(told)}, which is no request or group before it.")


def _place(batch: Batch, entry: dict[str, Any], names: set[str]) -> None:
    """Adds a request to the batch; `names` are the IDs and groups so far."""
    identifier, group, needed = entry["id"], entry.get("atomicityGroup"), entry.get("dependsOn") or []
    last = batch.parts[-1] if batch.parts else None
    goes_on = isinstance(last, ChangeSet) and last.name == group
    for name in [identifier] if goes_on or group is None else [identifier, group]:
        # Requests of one group must stand together (19.1), so that there is one moment at which it happens.
        if name in names:
            raise MalformedBatchError(f'"{name}" stands for two requests, or for a group that does not stand together.')
        names.add(name)
    request = _request(entry, identifier)
    request.depends_on = tuple(needed)
    request.condition = entry.get("if")
    if group is None:
        batch.parts.append(request)
    elif isinstance(last, ChangeSet) and goes_on:
        last.requests.append(request)
    else:
        batch.parts.append(ChangeSet([request], name=group))


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_ID


def _request(entry: dict[str, Any], identifier: str) -> PartRequest:
    request = PartRequest(content_id=identifier)
    method, url, headers = entry.get("method"), entry.get("url"), entry.get("headers") or {}
    try:
        if not isinstance(method, str) or not METHOD.fullmatch(method):
            raise MalformedPartError("A request needs a method, a string of letters.")
        if not _is_text(url) or not url.strip():
            raise MalformedPartError("A request needs a url, a string without control characters.")
        request.method, request.url = method.upper(), url.strip()
        if not isinstance(headers, dict):
            raise MalformedPartError("headers must be an object of strings.")
        for name, value in headers.items():
            if not HEADER_NAME.fullmatch(name):
                raise MalformedPartError(f'"{echo(name)}" is no name of a header.')
            if not _is_text(value):
                raise MalformedPartError(f"The header {name} must be a string without control characters.")
        if len(url) + sum(len(name) + len(value) for name, value in headers.items()) > LARGEST_HEADERS:
            raise MalformedPartError(f"A request's url and headers hold at most {LARGEST_HEADERS} characters.")
        for name, value in headers.items():
            add_line(request.headers, name, value)
        if entry.get("body") is not None:
            request.body = _body(entry["body"], request.headers.setdefault("content-type", "application/json"))
    except MalformedPartError as error:
        request.error = str(error)
    return request


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not FORBIDDEN_CHARACTERS.search(value)


def _body(body: Any, content_type: str) -> bytes:
    """A body as it would be sent by itself; one that is no JSON comes as a string, by its Content-Type (19.1)."""
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if isinstance(body, str) and media_type != "application/json" and not media_type.endswith("+json"):
            return body.encode()
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise MalformedPartError("The body cannot be sent.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
