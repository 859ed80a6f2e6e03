"""The JSON form of a batch (OData JSON Format 4.01, 19), read into the same envelope as the multipart forms."""

import json
from typing import Any

from batchyard.odata.envelope import Batch, ChangeSet, MalformedBatchError, PartRequest, must_not_exceed


def parse(body: bytes) -> Batch:
    """The batch in a JSON body.

    Raises:
        MalformedBatchError: The envelope cannot be read, or holds too many requests.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedBatchError(f"The batch is no JSON: {error}") from None
    entries = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise MalformedBatchError("The batch must be an object with requests, a list of objects.")
    must_not_exceed(len(entries))
    batch = Batch()
    seen: set[str] = set()
    for entry in entries:
        request = _request(entry)
        if not request.content_id or not request.content_id.isprintable():
            raise MalformedBatchError("Each request needs an id, a string of printable characters.")
        if request.content_id in seen:
            raise MalformedBatchError(f'Two requests have the id "{request.content_id}".')
        group = entry.get("atomicityGroup")
        if group is not None and (not isinstance(group, str) or not group):
            raise MalformedBatchError("An atomicityGroup must be a string.")
        _place(batch, request, group, seen)
        seen.add(request.content_id)
    return batch


def _place(batch: Batch, request: PartRequest, group: str | None, seen: set[str]) -> None:
    groups = {part.name for part in batch.parts if isinstance(part, ChangeSet)}
    last = batch.parts[-1] if batch.parts else None
    if group is None:
        batch.parts.append(request)
    elif isinstance(last, ChangeSet) and last.name == group:
        last.requests.append(request)
    elif group in groups or group in seen:
        # Requests of one group must stand together (19.1), so that there is one moment at which it happens.
        raise MalformedBatchError(f'The requests of the atomicityGroup "{group}" do not stand together.')
    else:
        batch.parts.append(ChangeSet([request], name=group))
    for needed in request.depends_on:
        if needed not in seen and needed not in groups:
            raise MalformedBatchError(f'"{request.content_id}" depends on "{needed}", which does not stand before it.')


def _request(entry: dict[str, Any]) -> PartRequest:
    identifier = entry.get("id")
    request = PartRequest(content_id=identifier if isinstance(identifier, str) else None)
    method, url = entry.get("method"), entry.get("url")
    headers, needed = entry.get("headers") or {}, entry.get("dependsOn") or []
    if not isinstance(needed, list) or not all(isinstance(name, str) for name in needed):
        raise MalformedBatchError("dependsOn must be a list of strings.")
    request.depends_on = tuple(needed)
    if not isinstance(method, str) or not method.isalpha() or not isinstance(url, str) or not url.strip():
        request.error = "A request needs a method and a url, both strings."
        return request
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        request.error = "headers must be an object of strings."
        return request
    request.method, request.url = method.upper(), url.strip()
    request.headers = {name.lower(): value.strip() for name, value in headers.items()}
    if "body" in entry:
        # A body that is no JSON comes as a string, by its Content-Type (19.1).
        media_type = request.headers.setdefault("content-type", "application/json").partition(";")[0].strip().lower()
        as_is = isinstance(entry["body"], str) and media_type != "application/json" and not media_type.endswith("+json")
        text = entry["body"] if as_is else json.dumps(entry["body"], ensure_ascii=False, separators=(",", ":"))
        try:
            request.body = text.encode()
        except UnicodeEncodeError:
            request.error = "The body is not Unicode text."
    return request
