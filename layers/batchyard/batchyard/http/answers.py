"""What an answer may hold, and which version of a thing it shows."""

import hashlib

from batchyard.errors import TooLarge

LARGEST_ANSWER = 6 * 1024 * 1024
"""Bytes of a function's answer (Lambda's limit on a synchronous invocation)."""

_ENVELOPE = 4096


def must_fit(body: str) -> str:
    """The body, if a function can answer it: Lambda carries it as a string within JSON, where quotes count twice.

    Raises:
        TooLarge: It cannot.
    """
    if len(body) * 6 + _ENVELOPE > LARGEST_ANSWER:
        must_have_room(size_in_lambda(body))
    return body


def must_have_room(size: int) -> None:
    """Raises `TooLarge` for more bytes, as Lambda counts them, than a function can answer."""
    if size + _ENVELOPE > LARGEST_ANSWER:
        raise TooLarge(f"The answer would hold {size} bytes, of {LARGEST_ANSWER} that an answer can hold.")


def size_in_lambda(body: str) -> int:
    """As how many bytes Lambda counts a body, or a part of it."""
    return len(body.encode()) + body.count('"') + body.count("\\")


def etag(version: int, beyond: str = "") -> str:
    """The entity tag of an answer that shows a version of something.

    Args:
        version: The version, which changes of it are made on condition of.
        beyond: What the answer shows that may change without it.
    """
    return f'"{version}.{_digest(beyond)}"' if beyond else f'"{version}"'


def tag_of(body: str) -> str:
    """The entity tag of what has no version: it is what it looks like."""
    return f'"{_digest(body)}"'


def _digest(text: str) -> str:
    found = hashlib.sha256(text.encode()).hexdigest()
    return f"{found[:8]}-{found[8:35]}"
