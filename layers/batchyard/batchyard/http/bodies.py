"""The body of a request, to the byte as its client sent it, or refused.

API Gateway hands a body on as text, and puts U+FFFD in the place of bytes that are no UTF-8. Nobody can tell any more
what they were, so a body with U+FFFD is refused; who means that character writes its escape in JSON.

Why: docs/decisions.md#a-body-is-taken-to-the-byte-or-refused
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

from batchyard.errors import Malformed, UnsupportedCoding, UnsupportedMediaType
from batchyard.http.urls import header

FORM = "multipart/form-data"
"""The media type of forms. The template makes it a binary one, so that its bytes come in base64, as they were sent."""

PACKED = "batchyard.packed"
"""Marks the request context of a request whose body nobody has unpacked. Only API Gateway and the batch's own dispatch
write request contexts."""

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";]*)', re.IGNORECASE)
_UTF8 = frozenset({"ascii", "us-ascii", "utf-8", "utf8"})
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-enable-compression.html
_UNPACKED_BY_API_GATEWAY = frozenset({"", "deflate", "gzip", "identity"})
_AS_IT_IS = frozenset({"", "identity"})
_REPLACEMENT = "\ufffd".encode()


def is_utf8(content_type: str) -> bool:
    """Whether a `Content-Type` says no other charset than UTF-8, or than US-ASCII, which is part of it."""
    return all(charset.strip().lower() in _UTF8 for charset in _CHARSET.findall(content_type))


def content(event: Mapping[str, Any]) -> bytes:
    """The body's bytes.

    Raises:
        UnsupportedCoding: It is packed in a way that nobody has unpacked.
        UnsupportedMediaType: It is said to have another charset than UTF-8.
        Malformed: It is broken base64, or was no UTF-8 before API Gateway made text of it.
    """
    body = str(event.get("body") or "")
    if not body:
        return b""
    content_type = header(event, "Content-Type") or ""
    _must_be_unpacked(event)
    if not is_utf8(content_type):
        raise UnsupportedMediaType(content_type.strip())
    raw = _decoded(event)
    if _REPLACEMENT in raw:
        raise Malformed(
            "The body has the character U+FFFD, which stands where bytes were no UTF-8. Who means it must write it as "
            r"\ufffd in JSON."
        )
    return raw


def octets(event: Mapping[str, Any]) -> bytes:
    """The bytes of a body that is no text: of a media type that API Gateway hands on in base64.

    Raises:
        UnsupportedCoding: It is packed in a way that nobody has unpacked.
        Malformed: It is broken base64, or came as text in which bytes were lost.
    """
    if not event.get("isBase64Encoded"):
        return content(event)
    _must_be_unpacked(event)
    return _decoded(event)


def text(event: Mapping[str, Any]) -> str:
    """The body's text.

    Raises:
        UnsupportedCoding: It is packed in a way that nobody has unpacked.
        UnsupportedMediaType: It is said to have another charset than UTF-8.
        Malformed: It is broken base64, or no UTF-8, or was none.
    """
    try:
        return content(event).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is no UTF-8: {error.reason} at byte {error.start}.") from None


def _must_be_unpacked(event: Mapping[str, Any]) -> None:
    coding = (header(event, "Content-Encoding") or "").strip().lower()
    if coding not in (_AS_IT_IS if PACKED in (event.get("requestContext") or {}) else _UNPACKED_BY_API_GATEWAY):
        raise UnsupportedCoding(coding)


def _decoded(event: Mapping[str, Any]) -> bytes:
    body = str(event.get("body") or "")
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise Malformed(f"The body cannot be decoded: {error}") from None
