"""What an answer may hold, and which version of a thing it shows."""

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
        must_have_room(carried(body))
    return body


def must_have_room(size: int) -> None:
    """Raises `TooLarge` for more bytes, as Lambda counts them, than a function can answer."""
    if size + _ENVELOPE > LARGEST_ANSWER:
        raise TooLarge(f"The answer would hold {size} bytes, of {LARGEST_ANSWER} that an answer can hold.")


def carried(body: str) -> int:
    """As how many bytes Lambda counts a body, or a part of it."""
    return len(body.encode()) + body.count('"') + body.count("\\")


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def matches(if_match: str | None, version: int) -> bool:
    """Whether an `If-Match` header (RFC 9110, 13.1.1) allows a change of this version."""
    if if_match is None or if_match.strip() == "*":
        return True
    return etag(version) in {tag.strip() for tag in if_match.split(",")}


def matches_any(if_none_match: str, tag: str) -> bool:
    """Whether an `If-None-Match` header (RFC 9110, 13.1.2) names an entity tag, as weak ones are compared."""
    given = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return not given.isdisjoint({"*", tag})
