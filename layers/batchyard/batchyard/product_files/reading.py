"""Rows of a product file from its bytes, read in as many pieces as one likes.

A file is read from where its last complete row ended: `Reader.position` is where that is, in two numbers.
Python's `csv` takes it apart; what it does not tell is told here: where in the file a row ended, what is no text, and
that a quote which is never closed does not pile up the rest of the file.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from batchyard.product_files.encodings import decoder
from batchyard.product_files.faults import Unreadable, parsing_failed

LARGEST_CELL = 1024 * 1024
"""Characters of a cell."""

LARGEST_ROW = 4 * 1024 * 1024
"""Bytes of a row, line breaks in its cells included: as many as a product may have."""

HEADER = 0
"""Which row the header is: data rows count from 1."""

BLOCK = 64 * 1024
"""Bytes that are taken apart at once, about."""


# Where ISO 8859 has these, the files of Windows have quotes, dashes and the euro sign.
_CONTROL = re.compile("[\x80-\x9f]")


class Position(NamedTuple):
    """Where in a file its reading goes on.

    Attributes:
        byte: The first byte of the row that comes next, or of empty lines before it.
        line: How many data rows came before it.
    """

    byte: int
    line: int


class Row(NamedTuple):
    """A row of a file.

    Attributes:
        line: Which data row it is, from 1.
        cells: Its cells, as many as it has.
    """

    line: int
    cells: list[str]


class _Fault(Exception):
    """The text ends here, whatever follows. Takes what is the matter."""


class Reader:
    """Rows of a file, from a position on.

    Args:
        blocks: The bytes of the file from that position on, in blocks of any size.
        encoding: Their codec.
        delimiter: What stands between two cells.
        position: Where they begin.
        is_last: The file ends with them. If it does not, a row that they do not hold whole is left for the next reader.
    """

    def __init__(
        self,
        blocks: Iterable[bytes],
        encoding: str,
        delimiter: str,
        position: Position,
        *,
        is_last: bool,
    ) -> None:
        self._blocks = blocks
        self._encoding = encoding
        self._decode = decoder(encoding)
        self._has_controls = encoding.startswith("iso-8859-")
        self._delimiter = delimiter
        self._is_last = is_last
        self._line = position.line
        # Lines here are those of the text: a row has several where its cells have line breaks.
        self._lines: list[str] = []
        self._lines_before = 0
        self._lines_done = 0
        self._end = self._row_start = position.byte

    @property
    def position(self) -> Position:
        """Behind the last row that was read."""
        return Position(self._row_beginning(), self._line)

    def __iter__(self) -> Iterator[Row]:
        """The rows; empty lines are none, be there blanks in them.

        Raises:
            Unreadable: No further row can be read.
        """
        # The limit is the process's: it is never lowered, so that two readers do not disturb each other.
        if csv.field_size_limit() < LARGEST_CELL:
            csv.field_size_limit(LARGEST_CELL)
        reader = csv.reader(self._text(), delimiter=self._delimiter, strict=True)
        try:
            for cells in reader:
                self._lines_done = reader.line_num
                if cells and not _looks_empty(cells):
                    self._line += 1
                    yield Row(self._line, cells)
        except _Fault as fault:
            raise self._unreadable(str(fault)) from None
        except csv.Error as error:
            message = str(error)
            if message != "unexpected end of data":
                raise self._unreadable(_told(message)) from None
            if self._is_last:
                raise self._unreadable("A quote is never closed") from None

    def _unreadable(self, why: str) -> Unreadable:
        line = self._line + 1
        return Unreadable([parsing_failed(why, line) if line > HEADER else parsing_failed(f"{why} in the header")])

    def _row_beginning(self) -> int:
        done = self._lines_done - self._lines_before
        if done < 0:
            return self._row_start
        return self._end - len("".join(self._lines[done:]).encode(self._encoding))

    def _text(self) -> Iterator[str]:
        """The lines of the text."""
        undecoded, begun = b"", ""
        decoded = self._end
        for block, is_end in _pieces(self._blocks):
            if is_end and not self._is_last:
                return
            self._row_start = self._row_beginning()
            text, used, fault = self._decoded(undecoded + block, decoded, is_end=is_end)
            undecoded, decoded = (undecoded + block)[used:], decoded + used
            lines = io.StringIO(begun + text, newline="").readlines()
            begun = lines.pop() if lines and _goes_on(lines[-1], fault, is_end=is_end) else ""
            self._lines_before += len(self._lines)
            self._lines = lines
            self._end = decoded - len(begun.encode(self._encoding))
            yield from lines
            if fault is None and decoded - self._row_beginning() > LARGEST_ROW:
                fault = f"More than {LARGEST_ROW} bytes in a row, or a quote that is never closed"
            if fault is not None:
                raise _Fault(fault)

    def _decoded(self, data: bytes, start: int, *, is_end: bool) -> tuple[str, int, str | None]:
        """The text of some bytes, of how many it is, and what is the matter with what follows it."""
        fault = None
        try:
            text, used = self._decode(data, "strict", is_end)
        except UnicodeDecodeError as error:
            text, used = self._decode(data[: error.start], "strict", True)
            byte, name = data[error.start], self._encoding.upper()
            fault = f"Byte 0x{byte:02x} at position {start + used} is not {name} (see context.encoding)"
        end = text.find("\0")
        what, hint = "A NUL character", ""
        if self._has_controls and (control := _CONTROL.search(text, 0, len(text) if end < 0 else end)):
            end = control.start()
            what, hint = f"A control character of {self._encoding.upper()}", " (see context.encoding)"
        if end >= 0:
            text = text[:end]
            used = len(text.encode(self._encoding))
            fault = f"{what} at position {start + used}{hint}"
        return text, used, fault


def _goes_on(line: str, fault: str | None, *, is_end: bool) -> bool:
    """Whether what comes next may belong to the last line of a text that has been read."""
    if line.endswith("\n"):
        return False
    if fault is not None:
        # Something that is no text comes next, and belongs to the line unless that has ended.
        return not line.endswith("\r")
    # A line feed may follow a carriage return.
    return not is_end


def _pieces(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Blocks in pieces of a bounded size, and an empty one behind the last."""
    for block in blocks:
        for start in range(0, len(block), BLOCK):
            yield block[start : start + BLOCK], False
    yield b"", True


def _told(message: str) -> str:
    """What an error of `csv` means."""
    if message.startswith("field larger than field limit"):
        return f"A cell has more than {LARGEST_CELL} characters"
    if "expected after" in message:
        return "Text follows the closing quote of a cell"
    return message


def _looks_empty(cells: list[str]) -> bool:
    """Whether a line without a delimiter has blanks alone, or the mark by which programs of DOS end a file."""
    return len(cells) == 1 and (cells[0].isspace() or cells[0] == "\x1a")
