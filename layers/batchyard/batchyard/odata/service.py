"""A batch request from its bytes to the bytes of its answer."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchyard.deadline import deadline
from batchyard.errors import Malformed, TooLarge, UnsupportedMediaType
from batchyard.http.urls import header
from batchyard.odata import answers, json_form, multipart
from batchyard.odata.envelope import Batch, MalformedBatchError
from batchyard.odata.run import Routes, Run

LARGEST_BODY = 6 * 1024 * 1024
"""Bytes of a batch. Lambda carries as many of the whole event, in which quotes count twice: one that is nearly as large
arrives only where it has few of them, and API Gateway refuses the others with 413 in its own words."""

RESERVE_MILLISECONDS = 3000
"""Time kept for the last request that begins, and for writing the answer."""

_VERSION_3 = ("DataServiceVersion", "MaxDataServiceVersion")
_VERSION_4 = ("OData-Version", "OData-MaxVersion")
_GOES_ON = frozenset({"continue-on-error", "odata.continue-on-error"})


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What the client gets.

    Args:
        status: The HTTP status.
        headers: The headers.
        body: The body.
    """

    status: int
    headers: dict[str, str]
    body: str


def speaks_version3(event: Mapping[str, Any]) -> bool:
    """Whether a client says that it speaks OData 3."""
    return any(header(event, name) is not None for name in _VERSION_3)


def read(event: Mapping[str, Any]) -> Batch:
    """The batch of an API Gateway event.

    Raises:
        Malformed: It cannot be read, so that nothing of it may run.
        TooLarge: It is larger than a batch may be.
        UnsupportedMediaType: It has none of the known forms.
    """
    body = _body(event)
    if len(body) > LARGEST_BODY:
        raise TooLarge(f"A batch holds at most {LARGEST_BODY} bytes.")
    content_type = header(event, "Content-Type") or ""
    media_type = multipart.media_type_of(content_type)
    try:
        if media_type == "application/json":
            return json_form.parse(body)
        if media_type == "multipart/mixed":
            return multipart.parse(body, content_type)
    except MalformedBatchError as error:
        raise Malformed(str(error)) from None
    raise UnsupportedMediaType(media_type)


def respond(event: Mapping[str, Any], context: Any, batch: Batch, routes: Routes) -> BatchAnswer:
    """Runs a batch and writes its answer.

    Args:
        event: The API Gateway event that it came in.
        context: Its Lambda context.
        batch: The batch, as `read` read it.
        routes: What answers its requests.
    """
    time_is_up = deadline(context, RESERVE_MILLISECONDS)

    def no_room(answer: answers.PartAnswer) -> answers.PartAnswer:
        return routes.refuse(
            TooLarge("The answer has no room in the batch's. Ask for it by itself."), answer.content_id
        )

    goes_on = _is_json(event) or not batch.nested or _prefers_to_go_on(event)
    parts = list(answers.fitting(Run(routes, time_is_up).answers(batch, goes_on=goes_on), len(batch), no_room))
    as_multipart = _answers_multipart(event)
    body, content_type = answers.multipart(parts) if as_multipart else answers.as_json(parts)
    headers = {"Content-Type": content_type, "OData-Version": "4.0" if as_multipart else "4.01"}
    if speaks_version3(event):
        return BatchAnswer(202, {**headers, "DataServiceVersion": "3.0"}, body)
    return BatchAnswer(200, headers, body)


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError:
        raise Malformed("The body of the batch cannot be decoded.") from None


def _is_json(event: Mapping[str, Any]) -> bool:
    return multipart.media_type_of(header(event, "Content-Type") or "") == "application/json"


def _prefers_to_go_on(event: Mapping[str, Any]) -> bool:
    for preference in (header(event, "Prefer") or "").lower().replace(";", ",").split(","):
        name, _, value = preference.partition("=")
        if name.strip() in _GOES_ON:
            return value.strip('" ') != "false"
    return False


def _answers_multipart(event: Mapping[str, Any]) -> bool:
    accepted = {multipart.media_type_of(one) for one in (header(event, "Accept") or "").split(",")}
    if "multipart/mixed" in accepted or speaks_version3(event):
        return True
    if any((header(event, name) or "").strip() == "4.0" for name in _VERSION_4):
        return True
    return "application/json" not in accepted and not _is_json(event)
