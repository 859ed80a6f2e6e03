"""The multipart forms of a batch, read in one pass over its bytes (RFC 2046, OData 4.01 part 1, 11.7).

Known clients write these envelopes by hand, and each bends the rules in its own way; what is meant is clear, so it is
read: lone LF line ends, blank lines where there should be none, no blank line after headers without a body, spaces and
quotes in URLs, a missing HTTP version. What is not clear is refused, because a misread batch would write wrong things.

Time is linear in the size of the input: each level is searched once for its delimiters, and ends with the request that
is one too many.
"""

import codecs
import re
from collections.abc import Iterator

from batchyard.http.bodies import is_utf8
from batchyard.http.urls import add_line
from batchyard.odata.envelope import (
    FORBIDDEN_CHARACTERS,
    HEADER_NAME,
    LARGEST_HEADERS,
    LONGEST_ID,
    METHOD,
    Batch,
    ChangeSet,
    MalformedBatchError,
    MalformedPartError,
    PartRequest,
    must_not_exceed,
)

_BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")
_BOUNDARY = re.compile(r"[!-~ ]{0,69}[!-~]")
# Possessive, so that a delimiter with many blanks and something else after them is given up at once.
_DELIMITER_END = re.compile(rb"(--)?[ \t]*+(?=\r?\n|\Z)")
_FOLD = re.compile(r"\n[ \t]+")
_LENGTH = re.compile(r"[0-9]{1,9}")
_LINE_ENDS = b"\r\n"
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_VERSION = re.compile(r"HTTP/[0-9](\.[0-9])?", re.IGNORECASE)


def parse(body: bytes, content_type: str) -> Batch:
    """The batch in a multipart body.

    Args:
        content_type: The media type with its boundary, as the `Content-Type` header has it.

    Raises:
        MalformedBatchError: The envelope cannot be read, or holds too many requests.
    """
    batch, count = Batch(), 0
    # A byte order mark would hide the first delimiter, and with it the first request.
    for block in _blocks(body.removeprefix(codecs.BOM_UTF8), content_type):
        part = _part(block)
        batch.parts.append(part)
        count += len(part.requests) or 1 if isinstance(part, ChangeSet) else 1
        must_not_exceed(count)
    return batch


def media_type_of(content_type: str) -> str:
    """A `Content-Type` without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _blocks(body: bytes, content_type: str) -> Iterator[bytes]:
    """What stands between the delimiters: no preamble, no epilogue, without the line end before each delimiter."""
    boundary = _boundary_of(content_type)
    delimiter = b"--" + boundary.encode()
    start: int | None = None
    at = body.find(delimiter)
    while at >= 0:
        after = at + len(delimiter)
        if at == 0 or body[at - 1] == 0x0A:
            end = _DELIMITER_END.match(body, after)
            if end:
                if start is not None:
                    yield body[start : max(start, at - 1)].removesuffix(b"\r")
                if end[1]:
                    return
                start = end.end()
        at = body.find(delimiter, after)
    if start is None:
        raise MalformedBatchError(f"The batch has no part: no line is --{boundary}.")
    raise MalformedBatchError(f"The batch is cut off: no line is --{boundary}--.")


def _boundary_of(content_type: str) -> str:
    for name, quoted, plain in _PARAMETER.findall(content_type):
        if name.lower() == "boundary":
            boundary = re.sub(r"\\(.)", r"\1", quoted) or plain
            if _BOUNDARY.fullmatch(boundary):
                return str(boundary)
    raise MalformedBatchError("The multipart media type has no usable boundary.")


def _part(block: bytes) -> PartRequest | ChangeSet:
    request = PartRequest()
    try:
        content_type, content = _open(request, block)
        if media_type_of(content_type) == "multipart/mixed":
            return _change_set(content, content_type)
        _read(request, content_type, content)
    except MalformedPartError as error:
        request.error = str(error)
    return request


def _change_set(content: bytes, content_type: str) -> ChangeSet:
    change_set = ChangeSet()
    try:
        for block in _blocks(content, content_type):
            change_set.requests.append(_request(block))
            must_not_exceed(len(change_set.requests))
    except MalformedBatchError as error:
        # A broken inner envelope could hide requests of its own: nothing of the batch may run.
        raise MalformedBatchError(f"In a change set: {error}") from None
    return change_set


def _request(block: bytes) -> PartRequest:
    request = PartRequest()
    try:
        content_type, content = _open(request, block)
        _read(request, content_type, content)
    except MalformedPartError as error:
        request.error = str(error)
    return request


def _open(request: PartRequest, block: bytes) -> tuple[str, bytes]:
    """The type of a part's content, and the content."""
    lines, content = _head(block.lstrip(_LINE_ENDS))
    headers = _headers(lines)
    request.content_id = _content_id(headers)
    if headers.get("content-transfer-encoding", "binary").lower() != "binary":
        raise MalformedPartError("A part's Content-Transfer-Encoding must be binary.")
    return headers.get("content-type", ""), content


def _read(request: PartRequest, content_type: str, content: bytes) -> None:
    """Reads an HTTP request into `request`."""
    if media_type_of(content_type) != "application/http":
        raise MalformedPartError("A part must be application/http, or, outside of a change set, multipart/mixed.")
    if not is_utf8(content_type):
        raise MalformedPartError("A part must be UTF-8.")
    lines, body = _head(content.lstrip(b"\r\n\t "))
    # The method ends at the first space, the version begins after the last: a URL with spaces stands between.
    method, _, target = (lines[0] if lines else "").partition(" ")
    target = target.strip()
    rest, _, last = target.rpartition(" ")
    if _VERSION.fullmatch(last):
        target = rest.rstrip()
    if not METHOD.fullmatch(method) or not target:
        raise MalformedPartError("A part must begin with a request line: a method and a URL.")
    request.method, request.url = method.upper(), target
    headers = _headers(lines[1:])
    request.content_id = request.content_id or _content_id(headers)
    headers.pop("content-id", None)
    request.headers = headers
    request.body = _body(headers.get("content-length"), body)


def _body(declared: str | None, body: bytes) -> bytes:
    # One more line end before the body, or after it, belongs to the envelope that somebody wrote by hand.
    if declared is None:
        return body.strip(_LINE_ENDS)
    if not _LENGTH.fullmatch(declared):
        raise MalformedPartError("Content-Length is no number of bytes.")
    length = int(declared)
    if len(body) != length:
        body = body.lstrip(_LINE_ENDS)
    if len(body) < length or body[length:].strip(_LINE_ENDS):
        raise MalformedPartError(f"Content-Length is {length}, but the body has {len(body.rstrip(_LINE_ENDS))} bytes.")
    return body[:length]


def _head(block: bytes) -> tuple[list[str], bytes]:
    """The lines before the first blank one, and what comes after it."""
    blank = _BLANK_LINE.search(block, 0, LARGEST_HEADERS + 8)
    end = blank.start() if blank else len(block)
    if end > LARGEST_HEADERS:
        raise MalformedPartError(f"A part's headers hold at most {LARGEST_HEADERS} bytes.")
    try:
        text = block[:end].decode().rstrip("\r\n\t ").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise MalformedPartError("A part's headers are not UTF-8.") from None
    text = _FOLD.sub(" ", text)
    if FORBIDDEN_CHARACTERS.search(text.replace("\n", "")):
        raise MalformedPartError("A part's headers hold control characters.")
    return text.split("\n") if text else [], block[blank.end() :] if blank else b""


def _headers(lines: list[str]) -> dict[str, str]:
    """Headers, by their names in lower case."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.rstrip()
        if not colon or not HEADER_NAME.fullmatch(name):
            raise MalformedPartError("A header is no name, colon and value.")
        add_line(found, name, value)
    return found


def _content_id(headers: dict[str, str]) -> str | None:
    content_id = headers.get("content-id")
    if content_id is not None and len(content_id) > LONGEST_ID:
        raise MalformedPartError(f"A Content-ID has at most {LONGEST_ID} characters.")
    return content_id or None
