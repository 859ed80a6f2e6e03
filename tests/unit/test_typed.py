"""The dialect of the catalogue's jobs: a type and a message, in the words of Medusa and of class-validator."""

import json
from typing import Annotated, Any, Literal

import pytest
from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from pydantic import AfterValidator, Field, StrictBool
from pydantic_core import PydanticCustomError

from batchyard import errors
from batchyard.errors import BatchyardError, Invalid, Malformed
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.typed_bodies import TypedBody
from tests.support.api import Context
from tools import aws_events

SOON = {"Retry-After": "1"}
ANSWERS: list[tuple[BatchyardError, int, str, str, dict[str, str]]] = [
    (errors.Malformed(), 400, "invalid_data", "The request cannot be read.", {}),
    (errors.Malformed("context must be an object"), 400, "invalid_data", "context must be an object", {}),
    (errors.NotPermitted(), 403, "forbidden", "The token does not permit this.", {}),
    (errors.NotFound(), 404, "not_found", "Not found.", {}),
    (errors.NotFound("Batch job with id x was not found"), 404, "not_found", "Batch job with id x was not found", {}),
    (
        errors.MethodNotAllowed("PUT", ["GET", "POST"]),
        405,
        "method_not_allowed",
        'Method "PUT" not allowed.',
        {"Allow": "GET, POST"},
    ),
    (
        errors.NotAllowed("Cannot cancel completed batch job"),
        400,
        "not_allowed",
        "Cannot cancel completed batch job",
        {},
    ),
    (errors.Duplicate("x exists"), 422, "duplicate_error", "x exists", {}),
    (errors.Conflict(), 409, "conflict", "The request conflicts with the present state.", {}),
    (errors.PreconditionFailed(), 412, "precondition_failed", "The resource has changed since it was read.", {}),
    (errors.TooLarge(), 413, "content_too_large", "The request or its answer is too large.", {}),
    (
        errors.UnsupportedMediaType("text/x"),
        415,
        "unsupported_media_type",
        'Unsupported media type "text/x" in request.',
        {},
    ),
    (
        errors.Throttled(17),
        429,
        "too_many_requests",
        "Request was throttled. Expected available in 17 seconds.",
        {"Retry-After": "17"},
    ),
    (
        errors.Contended(),
        503,
        "service_unavailable",
        "There are too many changes at once, try again later.",
        SOON,
    ),
    (
        errors.Unavailable(),
        503,
        "service_unavailable",
        "The service is temporarily unavailable, try again later.",
        SOON,
    ),
]


@pytest.mark.parametrize(("error", "status", "kind", "message", "headers"), ANSWERS, ids=lambda v: type(v).__name__)
def test_each_error_has_a_status_a_type_and_a_message(
    error: BatchyardError, status: int, kind: str, message: str, headers: dict[str, str]
) -> None:
    answered = typed.answer(error)
    assert answered.status_code == status
    assert list(json.loads(answered.body or "").items()) == [("type", kind), ("message", message)]
    assert answered.headers == {**headers, "Content-Type": "application/json"}


def test_not_authenticated_is_plain_text() -> None:
    answered = typed.answer(errors.NotAuthenticated("Invalid token."))
    assert (answered.status_code, answered.body) == (401, "Unauthorized")
    assert answered.headers == {"Content-Type": "text/plain", "WWW-Authenticate": "Bearer"}


def test_an_unforeseen_error_has_a_code() -> None:
    answered = typed.answer(BatchyardError())
    assert answered.status_code == 500
    assert answered.body == ('{"code":"unknown_error","type":"unknown_error","message":"An unknown error occurred."}')


def test_an_error_code_is_told() -> None:
    answered = typed.answer(errors.Conflict("Two of them.", code="ambiguous"))
    assert json.loads(answered.body or "") == {"code": "ambiguous", "type": "conflict", "message": "Two of them."}


def test_validation_errors_of_fields_are_one_message() -> None:
    refused = Invalid({"name": ["$property must not be empty"], "a": {"b": ["Wrong.", "Bad."]}})
    assert json.loads(typed.answer(refused).body or "") == {
        "type": "invalid_data",
        "message": "name must not be empty, b: Wrong., b: Bad.",
    }


def test_an_error_message_has_a_greatest_length() -> None:
    for error in (errors.Conflict("x" * 10_000), Invalid({"a": ["x" * 10_000]}), Invalid({"x" * 10_000: ["a"]})):
        assert len(typed.answer(error).body or "") < 1_200


def even(value: int) -> int:
    if value % 2:
        raise PydanticCustomError("even", "$property must be even")
    return value


class Job(TypedBody):
    """A body."""

    type: str
    context: dict[str, Any]
    dry_run: StrictBool = False
    size: Annotated[int, Field(ge=1, le=9), AfterValidator(even)] = 2
    status: list[Literal["draft", "published"]] = Field(default=[], max_length=2)
    name: Annotated[str, Field(min_length=2, max_length=3)] = "abc"


app = App(typed, None, closed_query=True)


@app.post("/admin/uploads")
def create(
    body: Annotated[Job, Body()],
    limit: Annotated[int, Query(ge=0)] = 10,
    ids: Annotated[list[str] | None, Query(alias="id[]")] = None,
) -> Response[str]:
    """Repeats what it got."""
    return answer(json.dumps({**body.model_dump(), "limit": limit, "ids": ids}))


def said(text: str | None, query: str = "") -> tuple[int, Any]:
    event = aws_events.request(
        "POST", "/admin/uploads", f"/admin/uploads{query}", headers={"Content-Type": "application/json"}, body=text
    )
    result = app.lambda_handler(event, Context())
    return result["statusCode"], json.loads(result["body"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "type must be a string, context must be an object"),
        ("", "type must be a string, context must be an object"),
        ("{}", "type must be a string, context must be an object"),
        ('{"type":"x"}', "context must be an object"),
        ('{"type":"x","context":[]}', "context must be an object"),
        ('{"type":"x","context":null}', "context must be an object"),
        ('{"type":"x","context":"y"}', "context must be an object"),
        ('{"type":null,"context":{}}', "type must be a string"),
        (
            '{"context":[],"dry_run":"x"}',
            "type must be a string, context must be an object, dry_run must be a boolean value",
        ),
        ('{"type":"x","context":{},"dry_run":1}', "dry_run must be a boolean value"),
        ('{"type":"x","context":{},"foo":1}', "property foo should not exist"),
        (
            '{"type":1,"context":{},"b":1,"a":2}',
            "property b should not exist, property a should not exist, type must be a string",
        ),
        ('{"type":"x","context":{},"size":0}', "size must not be less than 1"),
        ('{"type":"x","context":{},"size":10}', "size must not be greater than 9"),
        ('{"type":"x","context":{},"size":3}', "size must be even"),
        ('{"type":"x","context":{},"size":"x"}', "size must be a number conforming to the specified constraints"),
        ('{"type":"x","context":{},"size":1.5}', "size must be a number conforming to the specified constraints"),
        ('{"type":"x","context":{},"status":{}}', "status must be an array"),
        (
            '{"type":"x","context":{},"status":["a","draft","b"]}',
            "status must contain no more than 2 elements",
        ),
        (
            '{"type":"x","context":{},"status":["a","b"]}',
            "each value in status must be one of the following values: draft, published",
        ),
        ('{"type":"x","context":{},"name":"a"}', "name must be longer than or equal to 2 characters"),
        ('{"type":"x","context":{},"name":"abcd"}', "name must be shorter than or equal to 3 characters"),
        ("[]", "The body must be a JSON object."),
        ("null", "The body must be a JSON object."),
    ],
)
def test_validation_messages_are_those_of_class_validator(text: str | None, message: str) -> None:
    assert said(text) == (400, {"type": "invalid_data", "message": message})


def test_a_valid_body_and_query_are_taken() -> None:
    status, found = said('{"type":"x","context":{"a":[1]},"dry_run":true}', "?limit=3&id%5B0%5D=a&id=b")
    assert status == 200
    assert (found["context"], found["dry_run"], found["limit"], found["ids"]) == ({"a": [1]}, True, 3, ["a", "b"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?foo=1", "property foo should not exist"),
        ("?foo=1&limit=x&bar=2", "property foo should not exist, property bar should not exist"),
        ("?limit=x", "limit must be a number conforming to the specified constraints"),
        ("?limit=-1", "limit must not be less than 0"),
        ("?limit[]=1", "property limit[] should not exist"),
    ],
)
def test_a_query_holds_the_routes_parameters_alone(query: str, message: str) -> None:
    assert said('{"type":"x","context":{}}', query) == (400, {"type": "invalid_data", "message": message})


def test_an_error_has_a_hundred_validation_messages_at_most() -> None:
    fields = ",".join(f'"f{number}":1' for number in range(150))
    status, refused = said("{" + fields + "}")
    assert status == 400
    assert refused["message"].count("should not exist") <= 100
    refused = typed.invalid({"type": "extra_forbidden", "loc": ("body", f"f{n}"), "msg": ""} for n in range(150))
    assert isinstance(refused, Malformed)
    assert str(refused.detail).endswith("f99 should not exist, Only the first 100 of 150 messages are listed.")


def test_a_document_tells_which_types_a_status_has() -> None:
    found = typed.documented(200, None, 400, 401)
    schema = found[400]["content"]["application/json"]["schema"]
    assert schema["properties"]["type"]["enum"] == ["invalid_data", "not_allowed"]
    assert found[401]["content"] == {"text/plain": {"schema": {"type": "string", "const": "Unauthorized"}}}
    assert found[500]["content"]["application/json"]["schema"]["properties"]["type"]["enum"] == ["unknown_error"]
