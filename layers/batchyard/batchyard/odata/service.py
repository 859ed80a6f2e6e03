"""A batch request from its bytes to the bytes of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchyard.deadline import deadline
from batchyard.errors import Malformed, TooLarge, UnsupportedMediaType
from batchyard.http import bodies, finish
from batchyard.http.urls import header
from batchyard.odata import answers, json_form, multipart, negotiation
from batchyard.odata.envelope import Batch, MalformedBatchError
from batchyard.odata.negotiation import Version
from batchyard.odata.run import Routes, Run

LARGEST_BODY = 6 * 1024 * 1024
"""Bytes of a batch. Lambda carries as many of the whole event, in which quotes count twice: one that is nearly as large
arrives only where it has few of them, and API Gateway refuses the others with 413 in its own words."""

RESERVE_MILLISECONDS = 6000
"""Time kept for the last request that begins, and for writing the answer: no call to the store begins in the last five
seconds (`batchyard.store.clients`)."""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What the client gets.

    Args:
        status: The HTTP status.
    """

    status: int
    headers: dict[str, str]
    body: str


def read(event: Mapping[str, Any]) -> Batch:
    """The batch of an API Gateway event.

    Raises:
        Malformed: It cannot be read, is no UTF-8, or in a version that is not spoken here: nothing of it may run.
        TooLarge: It is larger than a batch may be.
        UnsupportedMediaType: It has none of the known forms, or another charset or content coding.
    """
    negotiation.must_be_spoken(event)
    body = bodies.content(event)
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

    preference = negotiation.continues_on_error(event)
    goes_on = (_is_json(event) or not batch.nested) if preference is None else preference
    parts = list(answers.fitting(Run(routes, time_is_up).answers(batch, goes_on=goes_on), len(batch), no_room))
    as_multipart = negotiation.answers_multipart(event, is_json=_is_json(event), has_ids=batch.has_ids)
    body, content_type = answers.multipart(parts) if as_multipart else answers.as_json(parts)
    version = negotiation.version_of(event)
    if not version.legacy:
        version = Version("4.0" if as_multipart else "4.01")
    headers = {**finish.headers(keyed=True, also_by="Accept"), "Content-Type": content_type, **version.headers}
    return BatchAnswer(202 if version.legacy else 200, headers, body)


def _is_json(event: Mapping[str, Any]) -> bool:
    return multipart.media_type_of(header(event, "Content-Type") or "") == "application/json"
