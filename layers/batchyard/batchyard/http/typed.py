"""The dialect of the catalogue's jobs, files and products: `{"type", "message"}`, as Medusa answers.

Wording and shapes are those of its server and of class-validator in it, since the clients of this family read them: all
that is wrong with a request is one sentence, joined by commas.
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard import errors
from batchyard.echoes import echo
from batchyard.errors import BatchyardError, Invalid, Malformed, NotFound
from batchyard.http import refusals
from batchyard.jsontext import dumps

UNAUTHORIZED = "Unauthorized"
"""All that whoever has no good key gets to read, as plain text."""

_STANDARD: dict[type[BatchyardError], tuple[HTTPStatus, str, str]] = {
    Malformed: (HTTPStatus.BAD_REQUEST, "invalid_data", "The request cannot be read."),
    Invalid: (HTTPStatus.BAD_REQUEST, "invalid_data", "The request is not valid."),
    errors.NotPermitted: (HTTPStatus.FORBIDDEN, "forbidden", "The token does not permit this."),
    NotFound: (HTTPStatus.NOT_FOUND, "not_found", "Not found."),
    errors.MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed."),
    errors.Lost: (HTTPStatus.GONE, "contents_lost", "Its contents are lost."),
    errors.NotAllowed: (HTTPStatus.BAD_REQUEST, "not_allowed", "This is not allowed now."),
    errors.Duplicate: (HTTPStatus.UNPROCESSABLE_CONTENT, "duplicate_error", "It exists already."),
    errors.Conflict: (HTTPStatus.CONFLICT, "conflict", "The request conflicts with the present state."),
    errors.PreconditionFailed: (
        HTTPStatus.PRECONDITION_FAILED,
        "precondition_failed",
        "The resource has changed since it was read.",
    ),
    errors.TooLarge: (HTTPStatus.CONTENT_TOO_LARGE, "content_too_large", "The request or its answer is too large."),
    errors.UnsupportedMediaType: (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The media type is not supported.",
    ),
    errors.Throttled: (HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "There were too many requests."),
    errors.Contended: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "service_unavailable",
        "There are too many changes at once, try again later.",
    ),
    errors.Unavailable: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "service_unavailable",
        "The service is temporarily unavailable, try again later.",
    ),
}
_UNFORESEEN = (HTTPStatus.INTERNAL_SERVER_ERROR, "unknown_error", "An unknown error occurred.")

# https://github.com/typestack/class-validator/tree/develop/src/decorator
_MESSAGES: dict[str, str] = {
    "missing": "$property should not be null or undefined",
    "extra_forbidden": "property $property should not exist",
    "string_type": "$property must be a string",
    "string_unicode": "$property must be a string",
    "string_too_short": "$property must be longer than or equal to {min_length} characters",
    "string_too_long": "$property must be shorter than or equal to {max_length} characters",
    "string_pattern_mismatch": "$property must match {pattern} regular expression",
    "dict_type": "$property must be an object",
    "model_type": "$property must be an object",
    "model_attributes_type": "$property must be an object",
    "list_type": "$property must be an array",
    "too_short": "$property must contain at least {min_length} elements",
    "too_long": "$property must contain no more than {max_length} elements",
    "bool_type": "$property must be a boolean value",
    "bool_parsing": "$property must be a boolean value",
    "int_type": "$property must be a number conforming to the specified constraints",
    "int_parsing": "$property must be a number conforming to the specified constraints",
    "int_parsing_size": "$property must be a number conforming to the specified constraints",
    "int_from_float": "$property must be a number conforming to the specified constraints",
    "finite_number": "$property must be a number conforming to the specified constraints",
    "greater_than_equal": "$property must not be less than {ge}",
    "less_than_equal": "$property must not be greater than {le}",
    "literal_error": "$property must be one of the following values: {expected}",
}
_PROPERTY = "$property"


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
    headers = refusals.headers(error)
    if isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
        return Response(HTTPStatus.UNAUTHORIZED.value, "text/plain", UNAUTHORIZED, {**headers})
    status, kind, standard = refusals.standard(_STANDARD, type(error), _UNFORESEEN)
    message = refusals.sentence(error, standard)
    if isinstance(error, Invalid):
        message = echo(", ".join(_messages(error.fields, "")), refusals.LONGEST_SENTENCE)
    body = {"type": kind, "message": message}
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        body = {"code": kind, **body}
    elif error.code is not None:
        body = {"code": error.code, **body}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return Response(status.value, "application/json", dumps(body), {**headers})


def invalid(found: Iterable[Mapping[str, Any]]) -> BatchyardError:
    """What pydantic found wrong, in class-validator's words.

    Messages of validators of our own are written as its are: `$property` stands for the name of the field.

    Args:
        found: pydantic's errors; `loc` begins with `path`, `query`, `header` or `body`.
    """
    unknown: list[str] = []
    others: list[str] = []
    count = 0
    for count, error in enumerate(found, 1):
        if error["loc"][0] == "path":
            return NotFound()
        # What should not be there is told first, as class-validator looks for it first.
        messages = unknown if error["type"] == "extra_forbidden" else others
        if count <= refusals.MOST_MESSAGES and (message := _message(error)) not in messages:
            messages.append(message)
    left_out = refusals.left_out(count)
    return Malformed(", ".join([*unknown, *others, *([left_out] if left_out else [])]))


def _messages(fields: Any, name: str) -> Iterator[str]:
    """The messages of fields that a validator of our own refuses."""
    match fields:
        case str():
            yield fields.replace(_PROPERTY, name) if _PROPERTY in fields else f"{name}: {fields}"
        case Mapping():
            for inner, messages in fields.items():
                yield from _messages(messages, echo(inner))
        case _:
            for message in fields:
                yield from _messages(message, name)


def _message(error: Mapping[str, Any]) -> str:
    kind, (source, *path) = error["type"], error["loc"]
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), str(source))
    context = dict(error.get("ctx") or {})
    if kind == "literal_error":
        # pydantic writes `'a', 'b' or 'c'`.
        context["expected"] = str(context["expected"])[1:-1].replace("' or '", ", ").replace("', '", ", ")
    words = _MESSAGES[kind].format(**context) if kind in _MESSAGES else str(error["msg"])
    if path and isinstance(path[-1], int):
        words = f"each value in {words}"
    # A list in a query is `id[]`, and what is wrong with it is told of `id`.
    return words.replace(_PROPERTY, echo(name if kind == "extra_forbidden" else name.removesuffix("[]")))


def documented(status: int, model: type | None, *others: int) -> dict[int, Any]:
    """The `responses` of a route for the OpenAPI document.

    Args:
        status: The status of success.
        model: What its body is; None for an empty one.
        others: The statuses of refusals, besides those that every route can answer.
    """
    found = refusals.documented(status, model, others, _schema)
    if HTTPStatus.UNAUTHORIZED in found:
        schema = {"type": "string", "const": UNAUTHORIZED}
        found[HTTPStatus.UNAUTHORIZED.value]["content"] = {"text/plain": {"schema": schema}}
    return found


def _schema(status: int) -> dict[str, Any]:
    kinds = sorted({kind for known, kind, _ in (*_STANDARD.values(), _UNFORESEEN) if known == status})
    code = {"code": {"type": "string"}}
    return {
        "type": "object",
        "required": ["type", "message"],
        "properties": {**code, "type": {"type": "string", "enum": kinds}, "message": {"type": "string"}},
    }
