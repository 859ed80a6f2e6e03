"""In which encoding a product file is, and which files are none."""

import codecs
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from batchyard.product_files.faults import Unreadable, parsing_failed

ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16")
"""What `context.encoding` can be."""

LONGEST_SIGNATURE = 4096
"""Bytes from the beginning of a file that tell what it is, if there are as many."""

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

_SIGNATURES: Mapping[bytes, str] = {
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an Excel file of the old format (xls)",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"SQLite format 3": "a SQLite database",
    b"PAR1": "a Parquet file",
    codecs.BOM_UTF32_LE: "text in UTF-32",
    codecs.BOM_UTF32_BE: "text in UTF-32",
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_IN_ZIP: Mapping[bytes, str] = {
    b"xl/": "an Excel workbook (xlsx)",
    b"[Content_Types].xml": "an Excel workbook (xlsx)",
    b"opendocument.spreadsheet": "an OpenDocument spreadsheet (ods)",
    b"": "a zip archive",
}

_TEXTS = (
    (re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"<\?xml\b", re.IGNORECASE), "an XML document"),
    (re.compile(rb'\{\s*"|\[\s*[\[{]'), "a JSON document"),
    (re.compile(rb"\{\\rtf"), "an RTF document"),
)
_BLANKS = b" \t\r\n"

type Decode = Callable[[bytes, str, bool], tuple[str, int]]
"""Takes bytes, `strict`, and whether they are the last; returns text, and of how many bytes it is."""


class Beginning(NamedTuple):
    """How a file begins.

    Attributes:
        encoding: The codec that reads it.
        size: How many bytes its byte order mark has.
    """

    encoding: str
    size: int


def beginning(head: bytes, asked: object) -> Beginning:
    """How a file is to be read.

    Args:
        head: Its first bytes: `LONGEST_SIGNATURE`, or all.
        asked: `context.encoding`, None where there is none.

    Raises:
        Unreadable: It is no text, or the encoding is none of `ENCODINGS`.
    """
    wanted = "utf-8" if asked is None else str(asked).lower()
    if wanted not in ENCODINGS:
        raise Unreadable([parsing_failed(f"encoding must be one of {', '.join(ENCODINGS)}")])
    other = _other(head)
    if other is not None:
        raise Unreadable([parsing_failed(f"The file is {other}, not a csv file")])
    found = _utf_16(head) or _utf_8(head)
    if found is not None:
        name = found.encoding[: len("utf-16")]
        if name != wanted:
            why = f"The file is text in {name.upper()}, not in {wanted.upper()}: set context.encoding to {name}"
            raise Unreadable([parsing_failed(why)])
        return found
    if wanted != "utf-16":
        return Beginning(wanted, 0)
    if head and b"\0" not in head:
        raise Unreadable([parsing_failed("The file is not text in UTF-16: set context.encoding to its own")])
    # Delimiters and line ends are ASCII, whatever the names of columns are.
    is_little = head[1::2].count(0) >= head[::2].count(0)
    return Beginning("utf-16-le" if is_little else "utf-16-be", 0)


def decoder(encoding: str) -> Decode:
    """The function that decodes a codec's bytes piece by piece."""
    pieces: Mapping[str, Decode] = {
        "utf-8": codecs.utf_8_decode,
        "utf-16-le": codecs.utf_16_le_decode,
        "utf-16-be": codecs.utf_16_be_decode,
    }
    whole = codecs.lookup(encoding).decode
    return pieces.get(encoding) or (lambda data, errors, _: whole(data, errors))


def _other(head: bytes) -> str | None:
    """What a file is that has no rows of cells; None for one that may have."""
    if head.startswith(_ZIP):
        return next(what for sign, what in _IN_ZIP.items() if sign in head)
    found = next((what for sign, what in _SIGNATURES.items() if head.startswith(sign)), None)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS)
    return found or next((what for pattern, what in _TEXTS if pattern.match(text)), None)


def _utf_8(head: bytes) -> Beginning | None:
    mark = codecs.BOM_UTF8
    return Beginning("utf-8", len(mark)) if head.startswith(mark) else None


def _utf_16(head: bytes) -> Beginning | None:
    mark = _UTF_16.get(head[:2])
    if mark is not None:
        return Beginning(mark, 2)
    # Names of columns begin with letters of ASCII: one of the two bytes of each is 0.
    if len(head) >= 4 and head[0] and head[2] and head[1] == head[3] == 0:
        return Beginning("utf-16-le", 0)
    if len(head) >= 4 and head[1] and head[3] and head[0] == head[2] == 0:
        return Beginning("utf-16-be", 0)
    return None
