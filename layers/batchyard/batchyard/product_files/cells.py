"""Cells of a product file: plain values as text, and text as a file has it."""

import re
from collections.abc import Iterable, Sequence

DELIMITER = ";"
LINE_END = "\r\n"

_LONGEST_NUMBER = 400

# A comma is quoted too, so that a program that takes commas for delimiters still sees one cell.
_QUOTED = re.compile(r'[;,"\r\n]')
_QUOTED_TOO = re.compile(r'[,"\r\n]')
_QUOTED_TAG = re.compile(r'[,"\r\n]|^\s|\s$')
# Apostrophes before it count, so that one more can be taken away again and nothing else is.
# A name without quotes may have one inside, as cells may.
_TAG = re.compile(r'\s*(?:"((?:[^"]++|"")*+)"\s*|([^",][^,]*)?)(?:,|$)')
_AMOUNT = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
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
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    # It is no whole number, so the exponent is below 0. Digits are moved: to round them anew might change the last.
    sign = "-" * (value < 0)
    return f"{sign}0.{'0' * (-int(exponent) - 1)}{digits.lstrip('-').replace('.', '')}"


def amount(minor: int, digits: int) -> str:
    """An amount of a currency's minor units in decimals: 1990 with two digits is `19.90`."""
    if digits == 0:
        return str(minor)
    sign, padded = "-" * (minor < 0), f"{abs(minor):0{digits + 1}}"
    return f"{sign}{padded[:-digits]}.{padded[-digits:]}"


def tags(names: Iterable[str]) -> str:
    """Tags as the list that one cell holds: with commas between, and quoted where a tag has one itself."""
    return ",".join(_in_quotes(name) if _QUOTED_TAG.search(name) or not name else name for name in names)


def tags_in(cell: str) -> tuple[str, ...] | None:
    """The tags of a cell's list; None where it is no list, since something follows a closing quote.

    Blanks around a name do not count unless they stand in its quotes.
    """
    found: list[str] = []
    position = 0
    # The list ends with a name, unless it ends with a comma.
    while position < len(cell):
        match = _TAG.match(cell, position)
        if match is None:
            return None
        if match[1] is not None:
            found.append(match[1].replace('""', '"'))
        elif match[2] and match[2].strip():
            found.append(match[2].strip())
        position = match.end()
    return tuple(found)


def amount_in(cell: str, digits: int) -> int | None:
    """The minor units of an amount in decimals; None where it is none, or finer than its currency."""
    match = _AMOUNT.fullmatch(cell)
    if match is None or len(match[2] or "") > digits:
        return None
    return int(match[1] + (match[2] or "").ljust(digits, "0"))


def number_in(cell: str) -> float | None:
    """A number from 0, in digits; a whole one as an `int`. None where the cell is none."""
    if len(cell) > _LONGEST_NUMBER or not _NUMBER.fullmatch(cell):
        return None
    if "." not in cell:
        return int(cell)
    value = float(cell)
    return int(value) if value.is_integer() else value


def row(cells: Sequence[str], *, escape_formulas: bool = False) -> str:
    """Cells as a row has them, without its line end.

    Args:
        cells: Their texts.
        escape_formulas: A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    if escape_formulas:
        cells = ["'" + cell if _FORMULA.match(cell) else cell for cell in cells]
    joined = DELIMITER.join(cells)
    # Most rows have nothing that must be quoted: one look at all of it takes less time than one at each cell.
    if joined.count(DELIMITER) == len(cells) - 1 and not _QUOTED_TOO.search(joined):
        return joined
    return DELIMITER.join([_in_quotes(cell) if _QUOTED.search(cell) else cell for cell in cells])


def unescaped(cell: str) -> str:
    """A cell without the apostrophe that tells a formula (`row`)."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _in_quotes(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
