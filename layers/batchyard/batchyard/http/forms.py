"""Files in a form (`multipart/form-data`, RFC 7578), as browsers and their libraries send them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from batchyard.errors import Malformed
from batchyard.http import bodies
from batchyard.http.urls import header

MOST_PARTS = 128

_OCTETS = "application/octet-stream"
# As RFC 2046 has it, which lets no blank stand at its end.
_FIRST_LINE = re.compile(rb"--([\w'()+,./:=? -]{0,69}[\w'()+,./:=?-])\r\n", re.ASCII)
_ENCODED_NAME = re.compile(r";\s*filename\*\s*=\s*utf-8'[^';]*'([^;\s]+)", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")


class File(NamedTuple):
    """A file of a form.

    Args:
        name: What its sender calls it, without folders.
        media_type: What its sender says that it is.
        content: Its bytes.
    """

    name: str
    media_type: str
    content: bytes


def files(event: Mapping[str, Any], field: str) -> list[File]:
    """The files of a form, in their order. Texts in it are left alone.

    Args:
        event: An API Gateway event with a form.
        field: The name of the field that the files are in.

    Raises:
        Malformed: It is no form, has files in other fields, or more than `MOST_PARTS` parts.
        UnsupportedCoding: It is packed.
    """
    _, options = parse_options_header(header(event, "Content-Type") or "")
    raw = bodies.octets(event)
    try:
        return list(_files(raw, options.get("boundary") or _first_boundary(raw), field))
    except MultipartError as error:
        # What follows the words is what Python says of it.
        raise Malformed(f"The form cannot be read: {error.args[0] if error.args else error}") from None


def _first_boundary(raw: bytes) -> str:
    """The boundary that a body begins with; nothing where it begins with none.

    Some clients name the media type before the form is written, and leave out what its parts are told apart by.
    """
    found = _FIRST_LINE.match(raw)
    return "" if found is None else found[1].decode()


def _files(raw: bytes, boundary: str, field: str) -> Iterator[File]:
    part: MultipartSegment | None = None
    pieces: list[bytes] = []
    with PushMultipartParser(boundary, max_segment_count=MOST_PARTS) as parser:
        for event in parser.parse(raw):
            if isinstance(event, MultipartSegment):
                part, pieces = event, []
            elif event:
                pieces.append(bytes(event))
            elif part is not None and (name := _file_name(part)) is not None:
                if part.name != field:
                    raise Malformed(f"property {part.name} should not exist")
                yield File(name, _media_type(part), b"".join(pieces))


def _file_name(part: MultipartSegment) -> str | None:
    """What a part calls its file, without the folders that some senders put before it; None where it is none.

    Browsers send a part without a name where nobody has chosen a file.
    """
    name = part.filename
    if not name:
        # Clients that cannot write other characters name a charset (RFC 5987), though forms should not have it.
        encoded = _ENCODED_NAME.search(part.header("Content-Disposition", ""))
        if encoded is None:
            return None
        name = unquote(encoded[1])
    return re.split(r"[/\\]", name)[-1]


def _media_type(part: MultipartSegment) -> str:
    said = part.content_type or ""
    return said if _MEDIA_TYPE.fullmatch(said) else _OCTETS
