"""The dialect of Django REST framework: the shapes and words that its clients read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from batchyard import errors
from batchyard.batch_requests.schemas import BatchRequestCreate, BatchRequestUpdate
from batchyard.errors import BatchyardError, Invalid, NotFound
from batchyard.http import drf

ANSWERS: list[tuple[BatchyardError, int, Any, dict[str, str]]] = [
    (errors.Malformed(), 400, "Malformed request.", {}),
    (errors.Malformed("JSON parse error - x"), 400, "JSON parse error - x", {}),
    (errors.NotAuthenticated(), 401, "Authentication credentials were not provided.", {"WWW-Authenticate": "Token"}),
    (errors.NotAuthenticated("Invalid token."), 401, "Invalid token.", {"WWW-Authenticate": "Token"}),
    (errors.NotPermitted(), 403, "You do not have permission to perform this action.", {}),
    (errors.NotFound(), 404, "Not found.", {}),
    (errors.NotFound("Invalid page."), 404, "Invalid page.", {}),
    (errors.MethodNotAllowed("PUT", ["GET", "POST"]), 405, 'Method "PUT" not allowed.', {"Allow": "GET, POST"}),
    (errors.Conflict(), 409, "The request conflicts with the present state.", {}),
    (errors.PreconditionFailed(), 412, "The resource has changed since it was read.", {}),
    (errors.TooLarge(), 413, "Request was too large.", {}),
    (errors.UnsupportedMediaType("text/x"), 415, 'Unsupported media type "text/x" in request.', {}),
    (
        errors.Throttled(17),
        429,
        "Request was throttled. Expected available in 17 seconds.",
        {"Retry-After": "17"},
    ),
    (errors.NotUpdated(), 500, "Batch request cannot be updated.", {}),
    (errors.Contended(), 503, "Service temporarily unavailable, try again later.", {}),
    (errors.Unavailable(), 503, "Service temporarily unavailable, try again later.", {}),
    (BatchyardError(), 500, "A server error occurred.", {}),
]


@pytest.mark.parametrize(("error", "status", "detail", "headers"), ANSWERS, ids=lambda value: type(value).__name__)
def test_each_error_has_its_status_and_a_detail(
    error: BatchyardError, status: int, detail: str, headers: dict[str, str]
) -> None:
    answer = drf.answer(error)
    assert (answer.status_code, json.loads(answer.body or "")) == (status, {"detail": detail})
    assert answer.headers == {**headers, "Content-Type": "application/json"}


def test_a_subclass_of_an_error_is_answered_like_its_base() -> None:
    class Lost(NotFound):
        """Somewhere else."""

    assert drf.answer(Lost()).status_code == 404


def test_validation_errors_of_fields_are_answered_unchanged() -> None:
    fields = {"status": ["x"], "objects": {"1": {"pk": ["y"]}}}
    answer = drf.answer(Invalid(fields))
    assert (answer.status_code, json.loads(answer.body or "")) == (400, fields)


def found(model: type[BaseModel], data: Any) -> Any:
    """What pydantic finds wrong in a body."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
    return []


def test_a_bad_path_is_404_before_other_validation_errors() -> None:
    path = {"type": "int_parsing", "loc": ("path", "id"), "input": "x"}
    body = found(BatchRequestCreate, {})
    assert isinstance(drf.invalid([path, *body]), NotFound)
    assert isinstance(drf.invalid([*body, path]), NotFound)


def test_a_repeated_validation_message_is_told_once() -> None:
    twice = found(BatchRequestCreate, {}) * 2
    error = drf.invalid(twice)
    assert isinstance(error, Invalid)
    assert error.fields == {"channel": ["This field is required."]}


def test_a_validation_error_of_the_whole_body_is_in_non_field_errors() -> None:
    error = drf.invalid([{"type": "missing", "loc": ("body",), "input": None}])
    assert isinstance(error, Invalid)
    assert error.fields == {"non_field_errors": ["This field is required."]}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["pk", "channel", "objects", "status", "remote_id"]), inner, max_size=3)
    ),
    max_leaves=8,
)
several = st.lists(st.dictionaries(st.sampled_from(["pk", "remote_id", "version_date"]), anything), max_size=3)
bodies = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("channel", "status", "remote_batch_id", "content_type", "log_file", "unknown"), anything),
        "objects": anything | several,
    },
)


def leaves(value: Any) -> list[Any]:
    """The messages of nested fields."""
    return [leaf for inner in value.values() for leaf in leaves(inner)] if isinstance(value, dict) else [value]


@given(bodies)
def test_any_invalid_body_has_validation_errors_in_drfs_words(body: dict[str, Any]) -> None:
    for model in (BatchRequestCreate, BatchRequestUpdate):
        wrong = found(model, body)
        if not wrong:
            continue
        error = drf.invalid(wrong)
        assert isinstance(error, Invalid)
        assert set(error.fields) <= set(model.model_fields)
        for messages in leaves(error.fields):
            assert isinstance(messages, list)
            assert messages
            assert all(message[0].isupper() or message[0] == '"' for message in messages), messages
            assert not any(word in message for message in messages for word in ("Input", "should be", "pydantic"))
        answer = drf.answer(error)
        assert answer.status_code == 400
        (answer.body or "").encode()
