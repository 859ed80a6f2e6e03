"""The header of a product file: what stands between two cells, and what each column is.

Names of columns are translated here and nowhere else: what comes behind knows them by our titles.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from batchyard.product_files import encodings
from batchyard.product_files.columns import PRODUCT_COLUMNS, VARIANT_COLUMNS
from batchyard.product_files.encodings import Beginning
from batchyard.product_files.faults import RowError, Unreadable, parsing_failed
from batchyard.product_files.reading import BLOCK, HEADER, LARGEST_ROW, Position, Reader

DELIMITERS = (";", ",", "\t")

MOST_COLUMNS = 2000

REQUIRED = "Product Handle"
SKU = "Variant SKU"

ERROR_LINE, ERROR_MESSAGE = "Error Line", "Error Message"
"""What a file of rows with errors has behind their own columns; imports leave them out."""

_FIXED = frozenset(column.title for column in (*PRODUCT_COLUMNS, *VARIANT_COLUMNS))
_NUMBERED = re.compile(r"(Option|Image|Sales Channel) ([1-9][0-9]{0,3}) (Name|Value|Url|Id|Description)")
_PARTS: Mapping[str, tuple[str, ...]] = {
    "Option": ("Name", "Value"),
    "Image": ("Url",),
    "Sales Channel": ("Id", "Name", "Description"),
}
_PRICE = re.compile(r"Price (?:([A-Z]{3})|(.+) \[([A-Z]{3})\])", re.DOTALL)

# Columns that no other kind of file has; names of both generations.
_SIGNATURES: Mapping[str, tuple[str, frozenset[str]]] = {
    "shopify": (
        "Shopify",
        frozenset(
            {
                *("Handle", "Body (HTML)", "Vendor", "Option1 Name", "Option1 Value", "Variant Inventory Qty"),
                *("Variant Price", "Variant Compare At Price", "Variant Grams", "Image Src", "Image Position"),
                *("URL handle", "Option1 name", "Option1 value", "Published on online store", "Product image URL"),
                *("Continue selling when out of stock", "Weight value (grams)", "Compare-at price", "Image position"),
            }
        ),
    ),
    "medusa-v2": (
        "Medusa v2",
        frozenset(
            {
                *(
                    "Product Collection Id",
                    "Product Type Id",
                    "Product Tag 1",
                    "Product Image 1",
                    "Product Image 1 Url",
                ),
                *("Product Sales Channel 1", "Shipping Profile Id", "Variant Option 1 Name", "Variant Option 1 Value"),
                *("Variant Price EUR", "Variant Price USD", "Product Hs Code", "Product Mid Code", "Variant Sku"),
            }
        ),
    ),
}
_SIGNATURE = 3


class Numbered(NamedTuple):
    """A column of which a file has as many as it needs.

    Attributes:
        kind: `Option`, `Image` or `Sales Channel`.
        number: Which of them it belongs to, from 1.
        part: What it holds of it: `Name`, `Value`, `Url`, `Id` or `Description`.
    """

    kind: str
    number: int
    part: str


class Header(NamedTuple):
    """The header of a file; JSON takes it as it is, and `Header(*kept)` gives it back.

    Attributes:
        encoding: The codec that reads the file.
        delimiter: What stands between two cells.
        end: The first byte behind it.
        titles: What stands above the columns.
        targets: What each column is called by us; None for one that is left out.
        ignored: The titles of the columns that were left out because somebody said so.
    """

    encoding: str
    delimiter: str
    end: int
    titles: Sequence[str]
    targets: Sequence[str | None]
    ignored: Sequence[str]

    @property
    def beginning(self) -> Position:
        """Where the rows begin."""
        return Position(self.end, HEADER)

    def reader(self, blocks: Iterable[bytes], position: Position, *, is_last: bool) -> Reader:
        """Reads rows.

        Args:
            blocks: The bytes of the file from that position on.
            position: Where they begin.
            is_last: The file ends with them.
        """
        return Reader(blocks, self.encoding, self.delimiter, position, is_last=is_last)

    def place(self, target: str) -> int | None:
        """Which column, from 0, a title of ours is; None if the file has none."""
        return self.targets.index(target) if target in self.targets else None


def numbered(title: str) -> Numbered | None:
    """What a column with a number in its title is; None for another."""
    found = _NUMBERED.fullmatch(title)
    if found is None or found[3] not in _PARTS[found[1]]:
        return None
    return Numbered(found[1], int(found[2]), found[3])


def price(title: str) -> tuple[str, str | None] | None:
    """The currency in lower case, and the region or none, of a column of prices; None for another column."""
    found = _PRICE.fullmatch(title)
    if found is None:
        return None
    return (found[1] or found[3]).lower(), found[2]


def is_known(title: str) -> bool:
    """Whether a column is one of ours."""
    return title in _FIXED or numbered(title) is not None or price(title) is not None


def read_header(blocks: Iterable[bytes], context: Mapping[str, Any]) -> Header:
    """Reads the header of a file.

    Args:
        blocks: The file from its first byte on, or as much of it as a row can have.
        context: The context of the job.

    Raises:
        Unreadable: The file is none of products; all that is the matter with it.
    """
    mapping = _mapping(context)
    data, enough = b"", BLOCK
    for block in blocks:
        data += block
        if len(data) < enough:
            continue
        found = _found(data, context, mapping, is_last=False)
        if found is not None:
            return found
        if len(data) > LARGEST_ROW:
            raise Unreadable([parsing_failed(f"The header has more than {LARGEST_ROW} bytes")])
        enough = 2 * len(data)
    found = _found(data, context, mapping, is_last=True)
    if found is None:
        raise Unreadable([parsing_failed("The file is empty")])
    return found


def no_rows() -> RowError:
    """What is the matter with a file that ends behind its header."""
    return parsing_failed("There are no data rows in the given csv file")


def _found(
    data: bytes, context: Mapping[str, Any], mapping: Mapping[str, str | None], *, is_last: bool
) -> Header | None:
    """The header in the beginning of a file; None if it is longer than that."""
    begins = encodings.beginning(data[: encodings.LONGEST_SIGNATURE], context.get("encoding"))
    candidates, failures = [], []
    for delimiter in DELIMITERS:
        try:
            first = _first_row(data, begins, delimiter, is_last=is_last)
        except Unreadable as error:
            failures.append(error)
            continue
        if first is not None:
            titles, end = first
            known = sum(title in mapping or is_known(title) for title in titles)
            candidates.append((known, len(titles), delimiter, titles, end))
    if not candidates:
        if failures:
            raise failures[0]
        return None
    _, _, delimiter, titles, end = max(candidates, key=lambda candidate: candidate[:2])
    targets, ignored = _targets(titles, mapping, hints=not {"mapping", "dialect"} & context.keys())
    return Header(begins.encoding, delimiter, end, titles, targets, ignored)


def _first_row(data: bytes, begins: Beginning, delimiter: str, *, is_last: bool) -> tuple[list[str], int] | None:
    """The cells of the first row and the byte behind it."""
    start = Position(begins.size, HEADER - 1)
    reader = Reader([data[begins.size :]], begins.encoding, delimiter, start, is_last=is_last)
    row = next(iter(reader), None)
    if row is None:
        return None
    # Spreadsheets write delimiters behind the last column.
    while row.cells and not row.cells[-1]:
        row.cells.pop()
    return row.cells, reader.position.byte


def _targets(
    titles: Sequence[str], mapping: Mapping[str, str | None], *, hints: bool
) -> tuple[list[str | None], list[str]]:
    """What the columns are called by us, and which were left out because somebody said so.

    Raises:
        Unreadable: Some cannot be used, or one is missing.
    """
    if len(titles) > MOST_COLUMNS:
        raise Unreadable([parsing_failed(f"There are {len(titles)} columns, of {MOST_COLUMNS} that can be")])
    targets = [mapping.get(title, None if title in {ERROR_LINE, ERROR_MESSAGE} else title) for title in titles]
    errors = list(_problems(dict(zip(titles, targets, strict=True)), mapping))
    repeated = [title for title, times in Counter(titles).items() if times > 1]
    errors += [parsing_failed(f"Column {title} comes twice in the given csv file", column=title) for title in repeated]
    if errors:
        hint = _hint(titles) if hints else None
        raise Unreadable([*errors, hint] if hint else errors)
    return targets, [title for title in titles if title in mapping and mapping[title] is None]


def _problems(targets: Mapping[str, str | None], mapping: Mapping[str, str | None]) -> Iterator[RowError]:
    """What is the matter with the columns of a file, by what each of them is called by us."""
    if REQUIRED not in targets.values():
        yield parsing_failed(f'Missing column(s) "{REQUIRED}" from the given csv file')
    for title, target in targets.items():
        if target is not None and title not in mapping and not is_known(title):
            why = f"Unable to treat column {title} from the csv file. No target column found in the provided schema"
            yield parsing_failed(why, column=title)
    sources: dict[str, list[str]] = {}
    for title, target in targets.items():
        if target is not None:
            sources.setdefault(target, []).append(title)
    for target, found in sources.items():
        if len(found) > 1:
            yield parsing_failed(f"Columns {' and '.join(found)} are both mapped to {target}")
    for title in mapping:
        if title not in targets:
            yield parsing_failed(f"Column {title} of context.mapping is not in the given csv file", column=title)


def _hint(titles: Sequence[str]) -> RowError | None:
    """What to set for a file that looks like one of another shop."""
    for dialect, (name, signature) in _SIGNATURES.items():
        if len(signature.intersection(titles)) >= _SIGNATURE:
            return parsing_failed(
                f'The file looks like a product export of {name}: set context.dialect to "{dialect}", '
                "or name its columns in context.mapping"
            )
    return None


def _mapping(context: Mapping[str, Any]) -> Mapping[str, str | None]:
    """`context.mapping`.

    Raises:
        Unreadable: It is none.
    """
    found = context.get("mapping")
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(value is None or isinstance(value, str) for value in found.values()):
        raise Unreadable([parsing_failed("mapping must be an object of titles of columns, or null")])
    unknown = [target for target in found.values() if target is not None and not is_known(target)]
    if unknown:
        raise Unreadable(
            parsing_failed(f"{target} in context.mapping is no column of product files") for target in unknown
        )
    return found
