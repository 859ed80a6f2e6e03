"""The dialect of Django REST framework, in which channel batch requests answer.

Wording and shapes are those of DRF's serializers, since the clients of this family read them: messages in lists under
the field's name, list positions as keys, everything else under `detail`.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard import errors
from batchyard.echoes import echo
from batchyard.errors import BatchyardError, Invalid, Malformed, NotFound
from batchyard.http import refusals
from batchyard.jsontext import dumps

_STATUS: dict[type[BatchyardError], tuple[HTTPStatus, str]] = {
    Malformed: (HTTPStatus.BAD_REQUEST, "Malformed request."),
    errors.NotAuthenticated: (HTTPStatus.UNAUTHORIZED, "Authentication credentials were not provided."),
    errors.NotPermitted: (HTTPStatus.FORBIDDEN, "You do not have permission to perform this action."),
    NotFound: (HTTPStatus.NOT_FOUND, "Not found."),
    errors.MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed."),
    errors.Lost: (HTTPStatus.GONE, "Its contents are lost."),
    errors.Conflict: (HTTPStatus.CONFLICT, "The request conflicts with the present state."),
    errors.PreconditionFailed: (HTTPStatus.PRECONDITION_FAILED, "The resource has changed since it was read."),
    errors.TooLarge: (HTTPStatus.CONTENT_TOO_LARGE, "Request was too large."),
    errors.UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type in request."),
    errors.Throttled: (HTTPStatus.TOO_MANY_REQUESTS, "Request was throttled."),
    errors.NotUpdated: (HTTPStatus.INTERNAL_SERVER_ERROR, "Batch request cannot be updated."),
    errors.Contended: (HTTPStatus.SERVICE_UNAVAILABLE, "Service temporarily unavailable, try again later."),
    errors.Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Service temporarily unavailable, try again later."),
}

_UNFORESEEN = (HTTPStatus.INTERNAL_SERVER_ERROR, "A server error occurred.")

_MESSAGES: dict[str, str] = {
    "missing": "This field is required.",
    "string_type": "Not a valid string.",
    "string_unicode": "Not a valid string.",
    "string_too_long": "Ensure this field has no more than {max_length} characters.",
    "too_long": "Ensure this field has no more than {max_length} elements.",
    "string_too_short": "This field may not be blank.",
    "string_pattern_mismatch": "Null characters are not allowed.",
    "int_type": "A valid integer is required.",
    "int_parsing": "A valid integer is required.",
    "int_parsing_size": "A valid integer is required.",
    "int_from_float": "A valid integer is required.",
    "finite_number": "A valid integer is required.",
    "greater_than_equal": "Ensure this value is greater than or equal to {ge}.",
    "less_than_equal": "Ensure this value is less than or equal to {le}.",
    "bool_type": "Must be a valid boolean.",
    "bool_parsing": "Must be a valid boolean.",
    "literal_error": '"{input}" is not a valid choice.',
}


def read(data: Any) -> dict[str, Any]:
    """A parsed JSON body, if it is what serializers take.

    Raises:
        Invalid: It is no object.
    """
    if not isinstance(data, dict):
        raise Invalid({"non_field_errors": [_no_dictionary(data)]})
    return data


def answer(error: BatchyardError) -> Response[str]:
    """An error as this family's clients read it."""
    if isinstance(error, Invalid):
        return _json(HTTPStatus.BAD_REQUEST, error.fields)
    status, standard = refusals.standard(_STATUS, type(error), _UNFORESEEN)
    headers = refusals.headers(error)
    if isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = "Token"
    return _json(status, {"detail": refusals.sentence(error, standard)}, headers)


def invalid(found: Iterable[Mapping[str, Any]]) -> BatchyardError:
    """What pydantic found wrong, in this family's words.

    Args:
        found: pydantic's errors; `loc` begins with `path`, `query`, `header` or `body`.
    """
    fields: dict[str, Any] = {}
    count = 0
    for count, error in enumerate(found, 1):
        source, *path = error["loc"]
        if source == "path":
            return NotFound()
        if count <= refusals.MOST_MESSAGES:
            _add(fields, [echo(step) for step in path], error)
    if (others := refusals.left_out(count)) is not None:
        fields.setdefault("non_field_errors", []).append(others)
    return Invalid(fields)


def _add(fields: dict[str, Any], path: list[str], error: Mapping[str, Any]) -> None:
    kind, given = error["type"], error.get("input")
    message = _message(error)
    if given is not None and kind in {"list_type", "model_type", "model_attributes_type", "dict_type"}:
        path = [*path, "non_field_errors"]
    elif not path:
        path = ["non_field_errors"]
    *outer, last = path
    for step in outer:
        inner = fields.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        fields = inner
    messages = fields.setdefault(last, [])
    if isinstance(messages, list) and message not in messages:
        messages.append(message)


def _message(error: Mapping[str, Any]) -> str:
    kind, given, context = error["type"], error.get("input"), error.get("ctx") or {}
    if kind == "missing":
        return _MESSAGES["missing"]
    if given is None:
        return "This field may not be null."
    if kind == "list_type":
        return f'Expected a list of items but got type "{type(given).__name__}".'
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return _no_dictionary(given)
    # What has no message here was raised by a validator of our own, in DRF's words.
    return _MESSAGES[kind].format(input=echo(given), **context) if kind in _MESSAGES else str(error["msg"])


def _no_dictionary(given: Any) -> str:
    if given is None:
        return "No data provided"
    return f"Invalid data. Expected a dictionary, but got {type(given).__name__}."


def _json(status: HTTPStatus, body: Any, headers: Mapping[str, str] | None = None) -> Response[str]:
    return Response(
        status_code=status.value,
        content_type="application/json",
        body=dumps(body),
        headers=dict(headers or {}),
    )


def documented(status: int, model: type | None, *others: int) -> dict[int, Any]:
    """The `responses` of a route for the OpenAPI document.

    Args:
        status: The status of success.
        model: What its body is; None for an empty one.
        others: The statuses of refusals, besides those that every route can answer.
    """
    return refusals.documented(status, model, others, _schema)


def _schema(status: int) -> dict[str, Any]:
    if status == HTTPStatus.BAD_REQUEST:
        return {"type": "object", "description": "Messages by field, or one under `detail`", "minProperties": 1}
    return {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
