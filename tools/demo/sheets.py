"""The files that a merchant imports: a season's goods, the same with mistakes, and what another shop has exported."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchyard.catalogue.reference import SalesChannel
from tools import catalogue
from tools.demo.goods import Row, rows

SHOPIFY = Path(__file__).with_name("shopify.csv")
"""A product file as Shopify exports it, with what it must become in `FROM_SHOPIFY`."""

FROM_SHOPIFY_TAG = "pop-up"
"""A tag that all of its products have."""

FROM_SHOPIFY: Sequence[Row] = [
    {"Product Handle": handle, "Product Status": status, **cells}
    for handle, status, cells in (
        ("shopify-linen-shirt", "published", {"Variant SKU": "LS-S", "Price EUR": "49.90", "Option 1 Value": "S"}),
        ("shopify-linen-shirt", "published", {"Variant SKU": "LS-M", "Price EUR": "49.90", "Option 1 Value": "M"}),
        ("shopify-linen-shirt", "published", {"Variant SKU": "LS-L", "Price EUR": "54.90", "Option 1 Value": "L"}),
        ("shopify-tea-towel", "published", {"Variant SKU": "TT-1", "Price EUR": "12.00"}),
        ("shopify-apron", "draft", {"Price EUR": "29.00"}),
    )
]

IDS = frozenset({"Product Id", "Variant Id"})
"""Columns that a file of new goods has not."""

_SEASON = 26
"""Its seed. Products of the catalogue have others, counted from 1."""

_MISTAKES = (
    ("Product Handle", ""),
    ("Product Status", "live"),
    ("Product Discountable", "yes"),
    ("Product Collection Handle", "sumer"),
    ("Variant SKU", None),
    ("Variant Inventory Quantity", "a dozen"),
    ("Price EUR", "19,90"),
    ("Price North America [USD]", "$ 25.00"),
)
"""Columns and what somebody may type there; None for what another product has."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file with goods, as it is.

    Args:
        path: Where it is.
        titles: The titles of its columns.
    """

    path: Path
    titles: Sequence[str]
    rows: Sequence[Row]

    def write(self) -> None:
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.titles, restval="", delimiter=";")
            writer.writeheader()
            writer.writerows(self.rows)


def season(path: Path, count: int, tag: str, channels: Mapping[str, SalesChannel]) -> Sheet:
    """Goods that no catalogue has yet.

    Args:
        path: Where the file goes.
        count: How many products.
        tag: A tag that all of them get, and that their handles and SKUs end with.
        channels: The sales channels by their IDs.
    """
    made = catalogue.made_up(count, _SEASON, sales_channels=tuple(channels))
    found = [_as_new(row, tag) for one in made for row in rows(one, channels)]
    titles = dict.fromkeys(title for row in found for title in row)
    return Sheet(path, tuple(titles), found)


def with_mistakes(sheet: Sheet, path: Path) -> tuple[Sheet, set[tuple[int, str]]]:
    """The same file with mistakes of people in it, and the line and the column of each."""
    found = [dict(row) for row in sheet.rows]
    # What concerns a product counts in its first row.
    lines: dict[str, int] = {}
    for line, row in enumerate(found):
        lines.setdefault(row["Product Handle"], line)
    firsts = list(lines.values())
    every = len(firsts) // (len(_MISTAKES) + 1)
    made = set()
    for number, (column, cell) in enumerate(_MISTAKES, 1):
        line = firsts[number * every]
        found[line][column] = found[firsts[0]][column] if cell is None else cell
        made.add((line + 1, column))
    return Sheet(path, sheet.titles, found), made


def _as_new(row: Row, tag: str) -> Row:
    """A row of a product that is not in the catalogue yet."""
    new = {title: cell for title, cell in row.items() if title not in IDS}
    new |= {title: f"{row[title]}-{tag}" for title in ("Product Handle", "Variant SKU") if title in row}
    return {**new, "Product Tags": ",".join(filter(None, (row.get("Product Tags"), tag)))}
