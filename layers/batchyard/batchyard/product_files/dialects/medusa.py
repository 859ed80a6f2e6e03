"""Files of Medusa v2: mostly our own words in another order."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from batchyard.product_files import cells
from batchyard.product_files.dialects.dialect import (
    IGNORED,
    READ_WITH_OTHERS,
    Column,
    Columns,
    Dialect,
    Reading,
    Settings,
    Told,
)
from batchyard.product_files.reading import Row

_HANDLE, _TAGS = "Product Handle", "Product Tags"

_RENAMED: Mapping[str, str] = {
    "Product Hs Code": "Product HS Code",
    "Product Mid Code": "Product MID Code",
    "Variant Sku": "Variant SKU",
    "Variant Hs Code": "Variant HS Code",
    "Variant Mid Code": "Variant MID Code",
}
_NUMBER = "([1-9][0-9]{0,3})"
_PATTERNS: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(r"Variant Price ((?:.+ \[[A-Z]{3}\])|[A-Z]{3})", re.DOTALL), r"Price \1"),
    (re.compile(f"Variant Option {_NUMBER} (Name|Value)"), r"Option \1 \2"),
    (re.compile(f"Product Image {_NUMBER}(?: Url)?"), r"Image \1 Url"),
    (re.compile(f"Product Sales Channel {_NUMBER}"), r"Sales Channel \1 Id"),
]
_TAG = re.compile(f"Product Tag {_NUMBER}")
# IDs of that version are unknown here, and the rest nothing that products have.
_IGNORED = re.compile(
    r"Product (?:(?:Created|Updated|Deleted) At|Collection Id|Type Id|Is Giftcard|Category [0-9]+|Metadata.*)"
    r"|Variant (?:(?:Created|Updated|Deleted) At|Product Id|Upc|UPC|Ean|EAN|Variant Rank|Metadata.*)"
    r"|Shipping Profile Id",
    re.DOTALL,
)


def _columns(titles: Sequence[str], _settings: Settings) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for title in titles:
        target = _RENAMED.get(title)
        for pattern, template in _PATTERNS:
            if match := pattern.fullmatch(title):
                target = match.expand(template)
        if target is not None:
            found[title] = Column(target)
        elif _IGNORED.fullmatch(title):
            found[title] = IGNORED
    # The first one stands for all of them: a row that has any has it.
    tags = [title for title in titles if _TAG.fullmatch(title)]
    return found | dict.fromkeys(tags, READ_WITH_OTHERS) | dict.fromkeys(tags[:1], Column(_TAGS))


def _number(title: str) -> int:
    return int(title.rpartition(" ")[2])


def _missing(targets: Collection[str | None], _context: Mapping[str, Any]) -> list[str]:
    return [] if _HANDLE in targets else [f'"{_HANDLE}"']


def _reading(columns: Columns) -> Reading:
    tags = [
        (_number(title), place)
        for place, (title, target) in enumerate(zip(columns.titles, columns.targets, strict=True))
        if _TAG.fullmatch(title) and target in {None, _TAGS} and title not in columns.ignored
    ]
    places = [place for _, place in sorted(tags)]
    return lambda rows: [Told(_joined(row, places)) for row in rows]


def _joined(row: Row, places: Sequence[int]) -> Row:
    """A row with its tags in the first cell of them.

    Args:
        places: The columns of its tags, in the order of their numbers.
    """
    found = [row.cells[place] for place in places if place < len(row.cells)]
    if not found:
        return row
    changed = [*row.cells]
    changed[min(places)] = cells.tags(tag for tag in found if tag)
    return Row(row.line, changed)


MEDUSA_V2 = Dialect(
    name="medusa-v2",
    shop="Medusa v2",
    signature=frozenset(
        {
            *("Product Collection Id", "Product Type Id", "Product Tag 1", "Product Image 1", "Product Image 1 Url"),
            *("Product Sales Channel 1", "Shipping Profile Id", "Variant Option 1 Name", "Variant Option 1 Value"),
            *("Variant Price EUR", "Variant Price USD", "Product Hs Code", "Product Mid Code", "Variant Sku"),
        }
    ),
    columns=_columns,
    missing=_missing,
    reading=_reading,
)
