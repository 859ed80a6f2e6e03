"""What the dialects of all families have in common where a request is refused."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from batchyard import errors
from batchyard.echoes import echo
from batchyard.errors import BatchyardError

MOST_MESSAGES = 100
"""Messages of one refusal, whatever else is wrong with a request."""

LONGEST_SENTENCE = 1000
"""Characters of what a refusal says in one sentence."""

_ANYWHERE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)


def standard[T](table: Mapping[type[BatchyardError], T], error: type[BatchyardError], unforeseen: T) -> T:
    """What a dialect's table has for a kind of error, or for the nearest kind that it has.

    Args:
        table: What it has, by kinds of errors.
        error: The kind of error.
        unforeseen: What it has for an error of no kind that it knows.
    """
    return next((table[kind] for kind in error.__mro__ if kind in table), unforeseen)


def sentence(error: BatchyardError, otherwise: str) -> str:
    """What an error says, cut where something that was sent would make it long; without words of its own, others."""
    return echo(error.detail, LONGEST_SENTENCE) if error.detail else otherwise


def left_out(found: int) -> str | None:
    """The message in the place of those that are too many; None where all of them are listed."""
    if found <= MOST_MESSAGES:
        return None
    return f"Only the first {MOST_MESSAGES} of {found} messages are listed."


def headers(error: BatchyardError) -> dict[str, str]:
    """The headers that HTTP asks for with an error, in whatever dialect."""
    if isinstance(error, errors.MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, errors.Throttled):
        return {"Retry-After": str(error.retry_after_s)}
    return {}


def documented(
    status: int, model: type | None, refusals: Iterable[int], schema: Callable[[int], Mapping[str, Any]]
) -> dict[int, Any]:
    """The `responses` of a route for the OpenAPI document.

    Args:
        status: The status of success.
        model: What its body is; None for an empty one.
        refusals: The other statuses, besides those that every route can answer.
        schema: The dialect's body for one of these.
    """
    success: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if model is not None:
        success["content"] = {"application/json": {"model": model}}
    return {
        status: success,
        **{
            refusal: {
                "description": HTTPStatus(refusal).phrase,
                "content": {"application/json": {"schema": schema(refusal)}},
            }
            for refusal in sorted({*refusals, *_ANYWHERE})
        },
    }
