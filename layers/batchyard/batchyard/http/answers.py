"""Answers as API Gateway wants them.

Bodies are JSON text by the time they get here: what the store keeps as JSON goes out as it is, without being parsed
and written again.
"""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.errors import TooLarge

LARGEST_ANSWER = 6 * 1024 * 1024
"""Bytes of a function's answer (Lambda's limit on a synchronous invocation)."""

_ENVELOPE = 4096


def dumps(value: Any) -> str:
    """Compact JSON, non-ASCII as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def must_fit(body: str) -> str:
    """The body, if a function can answer it: Lambda carries it as a string within JSON, where quotes count twice.

    Raises:
        TooLarge: It cannot.
    """
    if len(body) * 6 + _ENVELOPE > LARGEST_ANSWER:
        escaped = len(body.encode()) + body.count('"') + body.count("\\")
        if escaped + _ENVELOPE > LARGEST_ANSWER:
            raise TooLarge(f"The answer would hold {escaped} bytes, of {LARGEST_ANSWER} that an answer can hold.")
    return body


def answer(body: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """An answer with a JSON body, or with none."""
    return Response(
        status_code=status,
        content_type="application/json" if body else None,
        body=must_fit(body),
        headers=dict(headers or {}),
    )


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def matches(if_match: str | None, version: int) -> bool:
    """Whether an `If-Match` header (RFC 9110, 13.1.1) allows a change of this version."""
    if if_match is None or if_match.strip() == "*":
        return True
    return etag(version) in {tag.strip() for tag in if_match.split(",")}
