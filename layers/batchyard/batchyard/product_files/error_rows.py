"""Rows that were left out of an import, as a file to be mended and imported."""

from collections.abc import Sequence

from batchyard.product_files import cells
from batchyard.product_files.faults import MOST_ERRORS, RowError
from batchyard.product_files.header import ERROR_LINE, ERROR_MESSAGE, Header
from batchyard.product_files.reading import Row

LONGEST_MESSAGE = 300
"""Characters of a message."""


def cut(message: str) -> str:
    """As much of a message as is kept."""
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


class ErrorRows:
    """How such a file is written.

    Args:
        header: The header of the file that was imported; None where it could not be read.
    """

    def __init__(self, header: Header | None) -> None:
        titles = header.titles if header is not None else ()
        # Errors of an earlier import have been mended, or are told anew.
        self._places = [place for place, title in enumerate(titles) if title not in {ERROR_LINE, ERROR_MESSAGE}]
        self._titles = [titles[place] for place in self._places]
        self._width = len(titles)
        # Who imports it with the encoding of the first file would have other letters, and no error.
        self._mark = "" if header is None or header.encoding == "utf-8" else "\ufeff"

    def header(self) -> str:
        """The first line of the file, which is UTF-8: with a byte order mark where the other file is not."""
        return self._mark + self._line([*self._titles, ERROR_LINE, ERROR_MESSAGE])

    def row(self, row: Row, errors: Sequence[RowError]) -> str:
        """A row as it was, and what is the matter with it, if anything; cells that are too many stand behind that."""
        found = [row.cells[place] if place < len(row.cells) else "" for place in self._places]
        return self._line([*found, str(row.line), _told(errors), *row.cells[self._width :]])

    def whole(self, errors: Sequence[RowError]) -> str:
        """The row of what is the matter with the whole file."""
        lines = {error.line for error in errors if error.line is not None}
        return self._line([*("" for _ in self._places), str(min(lines, default="")), _told(errors)])

    def _line(self, found: Sequence[str]) -> str:
        return cells.row(found) + cells.LINE_END


def _told(errors: Sequence[RowError]) -> str:
    return "; ".join(
        cut(error.message) + (f" (suggestion: {error.suggestion})" if error.suggestion else "")
        for error in errors[:MOST_ERRORS]
    )
