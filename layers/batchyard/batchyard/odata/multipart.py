r"""The multipart forms of a batch, read in one pass over its bytes (RFC 2046, OData 4.01 part 1, 11.7).

Known clients write these envelopes by hand, and each bends the rules in its own way; what is meant is clear, so it is
read: lone LF line ends, blank lines where there should be none, no blank line after headers without a body, spaces and
quotes in URLs, a missing HTTP version. What is not clear is refused, because a misread batch would write wrong things.

Time is linear in the size of the input: a delimiter is looked for once per level, and nothing is looked at twice.
"""

import re
from collections.abc import Iterator

from batchyard.odata.envelope import Batch, ChangeSet, MalformedBatchError, PartRequest, must_not_exceed

LARGEST_HEADERS = 8 * 1024
"""Bytes of a part's headers, MIME's and its request's each."""

_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_METHOD = re.compile(r"[A-Za-z]+")
_LINE_END = re.compile(rb"\A\r?\n")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VERSION = re.compile(r"HTTP/\d(\.\d)?", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


def parse(body: bytes, content_type: str) -> Batch:
    """The batch in a multipart body.

    Args:
        body: The body.
        content_type: The media type with its boundary, as the `Content-Type` header has it.

    Raises:
        MalformedBatchError: The envelope cannot be read, or holds too many requests.
    """
    batch, count = Batch(), 0
    for part in _parts(body, _boundary_of(content_type)):
        headers, content, error = _headers(part)
        media_type = _media_type(headers)
        if error is None and media_type == "multipart/mixed":
            change_set = _change_set(headers, content)
            batch.parts.append(change_set)
            count += len(change_set.requests)
        else:
            batch.parts.append(_request(headers, content, error))
            count += 1
        must_not_exceed(count)
    return batch


def media_type_of(content_type: str) -> str:
    """A `Content-Type` without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def parameters_of(content_type: str) -> dict[str, str]:
    """A media type's parameters, names in lower case."""
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for name, quoted, plain in _PARAMETER.findall(content_type)
    }


def _boundary_of(content_type: str) -> bytes:
    boundary = parameters_of(content_type).get("boundary", "").encode()
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedBatchError("The multipart media type has no usable boundary.")
    return boundary


def _parts(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the delimiters: no preamble, no epilogue, without the line end before each delimiter."""
    # Possessive, so that a delimiter followed by blanks and something else is given up at once.
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=\r?\n|\Z)")
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            yield _LINE_END.sub(b"", body[start : found.start()], count=1)
        if found[1]:
            return
        # The line end after a delimiter may also be the one before the next, so it stays where it is.
        start = found.end()
    if start is None:
        raise MalformedBatchError(f"The batch has no part: no line is --{boundary.decode()}.")
    raise MalformedBatchError(f"The batch is cut off: no line is --{boundary.decode()}--.")


def _change_set(headers: dict[str, str], content: bytes) -> ChangeSet:
    change_set = ChangeSet()
    try:
        for part in _parts(content, _boundary_of(headers["content-type"])):
            inner, inner_content, error = _headers(part)
            if error is None and _media_type(inner) == "multipart/mixed":
                error = "A change set holds no change sets."
            change_set.requests.append(_request(inner, inner_content, error))
            must_not_exceed(len(change_set.requests))
    except MalformedBatchError as error:
        # A broken inner envelope could hide requests of its own: nothing of the batch may run.
        raise MalformedBatchError(f"In a change set: {error}") from None
    return change_set


def _request(mime: dict[str, str], content: bytes, error: str | None) -> PartRequest:
    """The request of a part."""
    request = PartRequest(content_id=mime.get("content-id"))
    error = error or _refusal(mime)
    if error is None:
        error = _read_http(request, content)
    request.error = error
    return request


def _refusal(mime: dict[str, str]) -> str | None:
    if _media_type(mime) != "application/http":
        return "A part must be application/http, or multipart/mixed for a change set."
    if mime.get("content-transfer-encoding", "binary").lower() != "binary":
        return "A part's Content-Transfer-Encoding must be binary."
    return None


def _read_http(request: PartRequest, content: bytes) -> str | None:
    """Reads an HTTP request into `request`; answers why it cannot."""
    content = content.lstrip(b"\r\n\t ")
    line, _, rest = content.partition(b"\n")
    if len(line) > LARGEST_HEADERS:
        return "The request line is too long."
    try:
        words = line.decode().strip()
    except UnicodeDecodeError:
        return "The request line is not UTF-8."
    method, _, target = words.partition(" ")
    target, _, version = target.strip().rpartition(" ") if " " in target.strip() else (target.strip(), "", "")
    if version and not _VERSION.fullmatch(version):
        # No version: the last word still belongs to the URL.
        target = f"{target} {version}"
    elif not version and _VERSION.fullmatch(target):
        target = ""
    if not _METHOD.fullmatch(method) or not target.strip():
        return "A part must begin with a request line: a method and a URL."
    request.method, request.url = method.upper(), target.strip()
    headers, body, error = _headers(rest)
    if error is not None:
        return error
    request.content_id = request.content_id or headers.pop("content-id", None)
    request.headers = headers
    return _read_body(request, body)


def _read_body(request: PartRequest, body: bytes) -> str | None:
    # One more line end before the body, or after it, belongs to the envelope that somebody wrote by hand.
    trimmed = body.strip(b"\r\n")
    declared = request.headers.get("content-length")
    if declared is None:
        request.body = trimmed
        return None
    if not declared.isascii() or not declared.isdigit():
        return "Content-Length is no number."
    length = int(declared[:9])
    for candidate in (body, trimmed, body.removesuffix(b"\n").removesuffix(b"\r"), body.lstrip(b"\r\n")):
        if len(candidate) == length:
            request.body = candidate
            return None
    return f"Content-Length is {length}, but the body has {len(trimmed)} bytes."


def _headers(block: bytes) -> tuple[dict[str, str], bytes, str | None]:
    """The headers at the beginning of a block, what comes after the blank line, and why they cannot be read."""
    headers: dict[str, str] = {}
    position, last = 0, None
    while position < len(block):
        end = block.find(b"\n", position, position + LARGEST_HEADERS + 1)
        if end < 0:
            if len(block) - position > LARGEST_HEADERS:
                return headers, b"", "A header is too long."
            end = len(block)
        line = block[position:end].rstrip(b" \t\r")
        position = end + 1
        if position > LARGEST_HEADERS:
            return headers, b"", f"A part's headers hold at most {LARGEST_HEADERS} bytes."
        if not line:
            break
        if line[:1] in b" \t" and last is not None:
            headers[last] += " " + line.strip().decode("latin-1")
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name.strip()):
            return headers, b"", "A header is no name, colon and value."
        last = name.strip().decode("ascii").lower()
        try:
            headers[last] = value.strip().decode()
        except UnicodeDecodeError:
            headers[last] = value.strip().decode("latin-1")
    return headers, block[position:], None


def _media_type(headers: dict[str, str]) -> str:
    return media_type_of(headers.get("content-type", ""))
