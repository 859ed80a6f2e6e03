"""The dialect of product batches: `{"code", "errorCode", "message", "details"}`.

`code` is the status, `errorCode` a name that programs tell errors apart by, `details` what else they may want to know.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard import errors
from batchyard.echoes import echo
from batchyard.errors import BatchyardError, Invalid, Malformed, NotFound
from batchyard.http import refusals
from batchyard.jsontext import dumps

_STANDARD: dict[type[BatchyardError], tuple[HTTPStatus, str, str]] = {
    Malformed: (HTTPStatus.BAD_REQUEST, "MALFORMED_REQUEST", "The request cannot be read."),
    Invalid: (HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", "The request is not valid: see details.fields."),
    errors.NotAuthenticated: (HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "A valid API key is required."),
    errors.NotPermitted: (HTTPStatus.FORBIDDEN, "FORBIDDEN", "The API key does not permit this."),
    NotFound: (HTTPStatus.NOT_FOUND, "NOT_FOUND", "There is no such resource."),
    errors.MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The method is not allowed."),
    errors.Lost: (HTTPStatus.GONE, "CONTENTS_LOST", "Its contents are lost."),
    errors.Conflict: (HTTPStatus.CONFLICT, "CONFLICT", "The request conflicts with the present state."),
    errors.PreconditionFailed: (
        HTTPStatus.PRECONDITION_FAILED,
        "PRECONDITION_FAILED",
        "The resource has changed since it was read.",
    ),
    errors.TooLarge: (HTTPStatus.CONTENT_TOO_LARGE, "CONTENT_TOO_LARGE", "The request or its answer is too large."),
    errors.UnsupportedMediaType: (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "The media type is not supported.",
    ),
    errors.Throttled: (HTTPStatus.TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "There were too many requests."),
    errors.Contended: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "There are too many changes at once, try again later.",
    ),
    errors.Unavailable: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "The service is temporarily unavailable, try again later.",
    ),
}
_NONE: Mapping[str, type[BatchyardError]] = MappingProxyType({})
_UNFORESEEN = (HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "An unforeseen error occurred.")


def read(data: Any) -> dict[str, Any]:
    """A parsed JSON body, if it is an object.

    Raises:
        Malformed: It is something else.
    """
    if not isinstance(data, dict):
        raise Malformed("The body must be a JSON object.")
    return data


def answer(error: BatchyardError) -> Response[str]:
    """An error as this family's clients read it."""
    status, code, message = refusals.standard(_STANDARD, type(error), _UNFORESEEN)
    details = error.details
    if isinstance(error, Invalid):
        details = {"fields": error.fields, **details}
    else:
        message = refusals.sentence(error, message)
    headers = refusals.headers(error)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return Response(
        status_code=status.value,
        content_type="application/json",
        body=dumps({"code": status.value, "errorCode": error.code or code, "message": message, "details": details}),
        headers=headers,
    )


def invalid(found: Iterable[Mapping[str, Any]]) -> BatchyardError:
    """What pydantic found wrong: its messages by the path of the field, such as `tags.0.code`.

    Args:
        found: pydantic's errors; `loc` begins with `path`, `query`, `header` or `body`.
    """
    fields: dict[str, list[str]] = {}
    count = 0
    for count, error in enumerate(found, 1):
        source, *path = error["loc"]
        if source == "path":
            return NotFound()
        if count <= refusals.MOST_MESSAGES:
            messages = fields.setdefault(".".join(map(echo, path)) or str(source), [])
            if error["msg"] not in messages:
                messages.append(str(error["msg"]))
    if (others := refusals.left_out(count)) is not None:
        fields.setdefault("body", []).append(others)
    return Invalid(fields)


def documented(
    status: int, model: type | None, *others: int, own: Mapping[str, type[BatchyardError]] = _NONE
) -> dict[int, Any]:
    """The `responses` of a route for the OpenAPI document.

    Args:
        status: The status of success.
        model: What its body is; None for an empty one.
        others: The statuses of refusals, besides those that every route can answer.
        own: What the family refuses by names of its own: the kinds of these errors, by their names.
    """
    names = [(known, name) for known, name, _ in (*_STANDARD.values(), _UNFORESEEN)]
    names += [(refusals.standard(_STANDARD, kind, _UNFORESEEN)[0], name) for name, kind in own.items()]
    return refusals.documented(status, model, others, lambda refusal: _schema(refusal, names))


def _schema(status: int, names: Iterable[tuple[int, str]]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["code", "errorCode", "message", "details"],
        "properties": {
            "code": {"type": "integer", "const": int(status)},
            "errorCode": {"type": "string", "enum": sorted({name for known, name in names if known == status})},
            "message": {"type": "string"},
            "details": {"type": "object"},
        },
    }
