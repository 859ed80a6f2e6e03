"""The dialect of product batches: a status, a name for programs, a sentence, and details."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from batchyard import errors
from batchyard.errors import BatchyardError, Invalid, Malformed, NotFound
from batchyard.http import coded

BEARER = {"WWW-Authenticate": "Bearer"}
SOON = {"Retry-After": "1"}

ANSWERS: list[tuple[BatchyardError, int, str, str, dict[str, str]]] = [
    (errors.Malformed(), 400, "MALFORMED_REQUEST", "The request cannot be read.", {}),
    (errors.Malformed("JSON parse error - x"), 400, "MALFORMED_REQUEST", "JSON parse error - x", {}),
    (errors.NotAuthenticated(), 401, "UNAUTHORIZED", "A valid API key is required.", BEARER),
    (errors.NotPermitted(), 403, "FORBIDDEN", "The API key does not permit this.", {}),
    (errors.NotFound(), 404, "NOT_FOUND", "There is no such resource.", {}),
    (errors.NotFound("There is no batch x."), 404, "NOT_FOUND", "There is no batch x.", {}),
    (
        errors.MethodNotAllowed("PUT", ["GET", "POST"]),
        405,
        "METHOD_NOT_ALLOWED",
        'Method "PUT" not allowed.',
        {"Allow": "GET, POST"},
    ),
    (errors.Conflict(), 409, "CONFLICT", "The request conflicts with the present state.", {}),
    (errors.PreconditionFailed(), 412, "PRECONDITION_FAILED", "The resource has changed since it was read.", {}),
    (errors.TooLarge(), 413, "CONTENT_TOO_LARGE", "The request or its answer is too large.", {}),
    (
        errors.UnsupportedMediaType("text/x"),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        'Unsupported media type "text/x" in request.',
        {},
    ),
    (
        errors.Throttled(17),
        429,
        "TOO_MANY_REQUESTS",
        "Request was throttled. Expected available in 17 seconds.",
        {"Retry-After": "17"},
    ),
    (errors.Contended(), 503, "SERVICE_UNAVAILABLE", "There are too many changes at once, try again later.", SOON),
    (
        errors.Unavailable(),
        503,
        "SERVICE_UNAVAILABLE",
        "The service is temporarily unavailable, try again later.",
        SOON,
    ),
    (BatchyardError(), 500, "INTERNAL_ERROR", "An unforeseen error occurred.", {}),
]


@pytest.mark.parametrize(("error", "status", "code", "message", "headers"), ANSWERS, ids=lambda v: type(v).__name__)
def test_each_error_has_a_status_a_code_and_a_message(
    error: BatchyardError, status: int, code: str, message: str, headers: dict[str, str]
) -> None:
    answer = coded.answer(error)
    assert answer.status_code == status
    assert list(json.loads(answer.body or "").items()) == [
        ("code", status),
        ("errorCode", code),
        ("message", message),
        ("details", {}),
    ]
    assert answer.headers == {**headers, "Content-Type": "application/json"}


def test_an_error_tells_its_code_and_details() -> None:
    error = errors.Conflict("Two of them.", code="AMBIGUOUS_BATCH", details={"productIds": ["a", "b"]})
    assert json.loads(coded.answer(error).body or "") == {
        "code": 409,
        "errorCode": "AMBIGUOUS_BATCH",
        "message": "Two of them.",
        "details": {"productIds": ["a", "b"]},
    }


def test_a_subclass_of_an_error_is_answered_like_its_base() -> None:
    class Lost(NotFound):
        """Somewhere else."""

    assert coded.answer(Lost()).status_code == 404


def test_bad_fields_are_told_in_the_details_of_an_error() -> None:
    answer = coded.answer(Invalid({"gtin": ["Wrong check digit."]}))
    assert (answer.status_code, json.loads(answer.body or "")) == (
        400,
        {
            "code": 400,
            "errorCode": "VALIDATION_ERROR",
            "message": "The request is not valid: see details.fields.",
            "details": {"fields": {"gtin": ["Wrong check digit."]}},
        },
    )


@pytest.mark.parametrize("data", [None, [], "x", 1, True, [{}]])
def test_a_body_must_be_an_object(data: Any) -> None:
    with pytest.raises(Malformed, match=r"^The body must be a JSON object\.$"):
        coded.read(data)


def test_a_json_object_is_taken_as_it_is() -> None:
    assert coded.read({"id": "lot-1"}) == {"id": "lot-1"}


class Tag(BaseModel):
    """A nested object."""

    code: str = Field(max_length=3)


class Lot(BaseModel):
    """A body."""

    id: str
    quantity: int = Field(default=0, ge=0)
    tags: list[Tag] = []
    data: dict[str, int] = {}


def found(data: Any) -> list[Any]:
    """What pydantic finds wrong in a body."""
    try:
        Lot.model_validate(data)
    except ValidationError as error:
        return [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
    return []


def fields(error: BatchyardError) -> Any:
    """The messages by field."""
    assert isinstance(error, Invalid)
    return error.fields


def test_fields_are_named_by_their_paths() -> None:
    wrong = found({"quantity": -1, "tags": [{"code": "too long"}, {}]})
    assert fields(coded.invalid(wrong)) == {
        "id": ["Field required"],
        "quantity": ["Input should be greater than or equal to 0"],
        "tags.0.code": ["String should have at most 3 characters"],
        "tags.1.code": ["Field required"],
    }


def test_a_repeated_validation_message_is_told_once() -> None:
    assert fields(coded.invalid(found({}) * 2)) == {"id": ["Field required"]}


def test_a_validation_error_of_the_whole_body_is_named_body() -> None:
    assert fields(coded.invalid([{"type": "missing", "loc": ("body",), "msg": "Field required"}])) == {
        "body": ["Field required"]
    }


def test_a_bad_path_is_404_before_other_validation_errors() -> None:
    path = {"type": "int_parsing", "loc": ("path", "id"), "msg": "x"}
    assert isinstance(coded.invalid([path, *found({})]), NotFound)
    assert isinstance(coded.invalid([*found({}), path]), NotFound)


texts = st.text(max_size=5) | st.just("\ud800")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("code"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["id", "quantity", "tags", "data"]), anything))
def test_any_invalid_body_has_a_validation_error(body: dict[str, Any]) -> None:
    wrong = found(body)
    if not wrong:
        return
    answer = coded.answer(coded.invalid(wrong))
    told = json.loads((answer.body or "").encode())
    assert (answer.status_code, told["errorCode"]) == (400, "VALIDATION_ERROR")
    assert {name.partition(".")[0] for name in told["details"]["fields"]} <= set(Lot.model_fields)
    assert all(messages for messages in told["details"]["fields"].values())


def test_a_route_documents_what_it_answers() -> None:
    documented = coded.documented(201, Lot, 404)
    assert documented[201]["content"] == {"application/json": {"model": Lot}}
    assert sorted(documented) == [201, 404, 429, 500, 503]
    schema = documented[404]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == set(json.loads(coded.answer(NotFound()).body or ""))
    assert schema["properties"]["code"] == {"type": "integer", "const": 404}
    assert coded.documented(204, None)[204] == {"description": "No Content"}


def names(responses: dict[int, Any], status: int) -> list[str]:
    """The names that a route's refusal may have, as the document tells."""
    found: list[str] = responses[status]["content"]["application/json"]["schema"]["properties"]["errorCode"]["enum"]
    return found


@pytest.mark.parametrize(("error", "status", "code"), [case[:3] for case in ANSWERS])
def test_the_document_lists_each_error_code(error: BatchyardError, status: int, code: str) -> None:
    assert code in names(coded.documented(200, None, status), status)


def test_the_document_lists_the_error_codes_of_a_family() -> None:
    class Lost(NotFound):
        """Somewhere else."""

    own = {"TWO_OF_THEM": errors.Conflict, "LOST": Lost}
    told = coded.documented(200, None, 404, 409, own=own)
    assert (names(told, 404), names(told, 409)) == (["LOST", "NOT_FOUND"], ["CONFLICT", "TWO_OF_THEM"])
    assert names(told, 500) == ["INTERNAL_ERROR"]
