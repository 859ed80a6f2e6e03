"""Who changed what: a line in the log for each request that changed something, or found it changed already.

API Gateway's access log knows the caller of every request, but of its path only all or nothing, and some paths hold
codes of serials, which are as good as money. So the function says which things it was about. What was refused stands
in the access log.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

logger = logging.getLogger("batchyard.audit")

NAMED = frozenset({"batchId", "changeId", "channel_id", "collectionId", "exportId", "id", "productId"})
"""Parameters of paths that are IDs. No other one is logged."""

_READS = frozenset({"GET", "HEAD"})
_REFUSED = 400

type Line = dict[str, Any]

_held: ContextVar[list[Line] | None] = ContextVar("held", default=None)


def note(event: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
    """Writes the line of a request, if it is one that changes things, by somebody known, and was not refused.

    Args:
        event: Its API Gateway event.
        answered: What the function answers.
    """
    context = event.get("requestContext") or {}
    caller = context.get("authorizer") or {}
    if event.get("httpMethod") in _READS or answered["statusCode"] >= _REFUSED or not caller.get("token"):
        return
    parameters = event.get("pathParameters") or {}
    line = {
        "user": caller["user"],
        "token": caller["token"],
        "method": event["httpMethod"],
        "resource": event["resource"],
        "ids": {name: value for name, value in parameters.items() if name in NAMED},
        "made": _made(answered),
        "status": answered["statusCode"],
        "apiRequestId": context.get("requestId"),
    }
    lines = _held.get()
    if lines is None:
        write([line])
    else:
        lines.append(line)


def write(lines: list[Line]) -> None:
    """Writes lines that were held back."""
    for line in lines:
        logger.info("changed", extra=line)


@contextmanager
def held() -> Iterator[list[Line]]:
    """Holds lines back, for requests that happen together or not at all."""
    lines: list[Line] = []
    token = _held.set(lines)
    try:
        yield lines
    finally:
        _held.reset(token)


def _made(answered: Mapping[str, Any]) -> str | None:
    """The ID of what was made, from where it is."""
    [location] = answered["multiValueHeaders"].get("Location") or [""]
    return urlsplit(location).path.rstrip("/").rpartition("/")[2] or None
