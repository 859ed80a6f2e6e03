"""The rows of one handle, and no more of them than a plan needs, however long the file makes them."""

from batchyard.catalogue.rules import LARGEST_PRODUCT
from batchyard.product_files.faults import INVALID, RowError, quoted
from batchyard.product_files.parsing import Given, Parser
from batchyard.product_files.reading import Row

MOST_ROWS = 2048
"""Rows of one handle."""


class Gathered:
    """What the rows of one handle give.

    Args:
        parser: Reads the rows.

    Attributes:
        rows: What they give: the first one all, the others what they say of their variants.
    """

    def __init__(self, parser: Parser) -> None:
        self.rows: list[Given] = []
        self._parser = parser
        self._titles: dict[str, str] = {}
        self._size = 0
        self._is_full = False

    def add(self, row: Row) -> None:
        """Takes one more row; they come in the order of their lines. Behind too many or too much none is looked at."""
        if self._is_full:
            return
        given = self._parser.parse(row, is_first=not self.rows)
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
