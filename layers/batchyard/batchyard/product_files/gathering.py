"""The rows of one handle, and no more of them than a plan needs, however long the file makes them."""

from collections.abc import Iterable

from batchyard.catalogue.rules import LARGEST_PRODUCT
from batchyard.product_files.dialects.dialect import Told
from batchyard.product_files.faults import INVALID, RowError, quoted
from batchyard.product_files.parsing import Given, Parser
from batchyard.product_files.reading import Row

MOST_ROWS = 2048
"""Rows of one handle."""


def gather(parser: Parser, rows: Iterable[Row]) -> list[Given]:
    """What the rows of one handle give: the first one all, the others what they say of their variants.

    Behind too many or too much none is looked at.

    Args:
        parser: Reads the rows.
        rows: They, in the order of their lines.
    """
    found = _Gathered(parser)
    for told in parser.told(rows):
        found.add(told)
    return found.rows


class _Gathered:
    def __init__(self, parser: Parser) -> None:
        self.rows: list[Given] = []
        self._parser = parser
        self._titles: dict[str, str] = {}
        self._size = 0
        self._is_full = False

    def add(self, told: Told) -> None:
        """Takes one more row, unless there are too many or too much."""
        if self._is_full:
            return
        given = self._parser.parse(told, self.rows[0] if self.rows else None)
        self._size += sum(len(value) for value in given.variant.values() if isinstance(value, str))
        self._size += sum(len(value) for value in (given.options or {}).values() if value)
        if len(self.rows) == MOST_ROWS:
            self._fill(given, f"has more than {MOST_ROWS} rows")
        elif self._size > LARGEST_PRODUCT:
            self._fill(given, f"has more than {LARGEST_PRODUCT} bytes")
        elif given.options:
            # Each row names the options anew.
            given.options = {self._titles.setdefault(title, title): value for title, value in given.options.items()}
        self.rows.append(given)

    def _fill(self, given: Given, why: str) -> None:
        self._is_full = True
        message = f"Product {quoted(given.handle)} {why}"
        given.errors.append(RowError(INVALID, message, given.line, "Product Handle"))
