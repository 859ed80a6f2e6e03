"""Cells of a product file: plain values as text, and text as a file has it."""

import re
from collections.abc import Iterable

DELIMITER = ";"
LINE_END = "\r\n"

# A comma is quoted too, so that a program that takes commas for delimiters still sees one cell.
_QUOTED = re.compile(r'[;,"\r\n]')
_QUOTED_TAG = re.compile(r'[,"\r\n]|^\s|\s$')
# Apostrophes before it count, so that one more can be taken away again and nothing else is.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def text(value: str | float | bool | None) -> str:
    """A plain value as a cell's text; null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """A number in digits, without an exponent and without what does not count."""
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    whole = repr(value)
    return whole if "e" not in whole else f"{value:.20f}".rstrip("0").rstrip(".")


def amount(minor: int, digits: int) -> str:
    """An amount of a currency's minor units in decimals: 1990 with two digits is `19.90`."""
    if digits == 0:
        return str(minor)
    sign, padded = "-" * (minor < 0), f"{abs(minor):0{digits + 1}}"
    return f"{sign}{padded[:-digits]}.{padded[-digits:]}"


def tags(names: Iterable[str]) -> str:
    """Tags as the list that one cell holds: with commas between, and quoted where a tag has one itself."""
    return ",".join(_in_quotes(name) if _QUOTED_TAG.search(name) or not name else name for name in names)


def row(cells: Iterable[str], *, escape_formulas: bool = False) -> str:
    """Cells as a row has them, without its line end.

    Args:
        cells: Their texts.
        escape_formulas: A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    if escape_formulas:
        cells = ("'" + cell if _FORMULA.match(cell) else cell for cell in cells)
    return DELIMITER.join(_in_quotes(cell) if _QUOTED.search(cell) else cell for cell in cells)


def _in_quotes(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
