"""What can be the matter with a product file: its errors, and the words that clients know."""

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

INVALID, NOT_FOUND, DUPLICATE = "invalid_data", "not_found", "duplicate_error"

LONGEST_QUOTE = 80
"""Characters of a cell that a message repeats, so that what is the matter with it is still told."""


# Control and format characters, and other blanks than that of ASCII.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})

MOST_ERRORS = 20
"""Errors of one row that are told."""


class RowError(NamedTuple):
    """Something that is the matter with a file.

    Attributes:
        code: Of which kind it is, as the types of the API's errors are called.
        message: What it is.
        line: The data row, from 1; None for an error of the whole file.
        column: The title of the column, as the file has it.
        suggestion: What may have been meant, or what else helps; of an unknown column the title of a known one.
    """

    code: str
    message: str
    line: int | None = None
    column: str | None = None
    suggestion: str | None = None


class Unreadable(Exception):
    """A file of which no row, or no further row, can be read.

    Args:
        errors: Why: all that is known.
    """

    def __init__(self, errors: Iterable[RowError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(error.message for error in self.errors))


def parsing_failed(
    why: str, line: int | None = None, column: str | None = None, suggestion: str | None = None
) -> RowError:
    """An error of the file's form."""
    where = "" if line is None else f" in line {line} of the given csv file"
    return RowError(INVALID, f"The csv file parsing failed due to: {why}{where}", line, column, suggestion)


def quoted(cell: str) -> str:
    """As much of a cell as a message repeats; in quotes where there is more to it than one sees."""
    shown = cell if len(cell) <= LONGEST_QUOTE else cell[:LONGEST_QUOTE] + "…"
    unseen = sorted({f"U+{ord(sign):04X}" for sign in shown if _is_unseen(sign)})
    if unseen:
        return f'"{shown}" (with {", ".join(unseen)})'
    return shown if shown == shown.strip() and shown else f'"{shown}"'


def _is_unseen(sign: str) -> bool:
    return sign != " " and unicodedata.category(sign) in _UNSEEN
