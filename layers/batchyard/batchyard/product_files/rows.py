"""Products as rows of a file: one row a variant, and one for a product without any.

Of which columns a file has how many is known only when all of its products have been looked at. So a product first
becomes a *record*, in which everything is text already; its rows are laid out once the shape of the file is known.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batchyard.catalogue.rules import PRODUCT_DEFAULTS, VARIANT_DEFAULTS, Product, Scalar, Variant
from batchyard.product_files import cells
from batchyard.product_files.columns import PRODUCT_COLUMNS, PROFILE, VARIANT_COLUMNS, Shape, titles

type Record = dict[str, Any]
"""A product on its way to a file, as JSON takes it."""

_DYNAMIC = 200
"""Characters of a variant's prices and options, about."""

_PRODUCT_FIELDS = [column.field for column in PRODUCT_COLUMNS]
_VARIANT_FIELDS = [column.field for column in VARIANT_COLUMNS]

_NO_VARIANT = cells.row([""] * len(VARIANT_COLUMNS))


@dataclass(frozen=True, slots=True)
class Names:
    """What a file calls things that products name by an ID.

    Args:
        collections: Titles of collections by their handles.
        sales_channels: Names and descriptions of sales channels by their IDs.
        digits: The decimal places of a currency.
    """

    collections: Mapping[str, str]
    sales_channels: Mapping[str, tuple[str, str]]
    digits: Callable[[str], int]


class Layout:
    """How a file's rows are written.

    Args:
        escape_formulas: A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """

    def __init__(self, *, escape_formulas: bool = False) -> None:
        self._escape = escape_formulas

    def record(self, product: Product, quantities: Mapping[int, int], names: Names) -> Record:
        """A product as text.

        Args:
            quantities: The inventory quantities of its variants, by the integer IDs of these.
            names: What the file calls things.
        """
        return {
            "product": self._row(_product_cells(product, names)),
            "images": list(product.images),
            "channels": [[id, *names.sales_channels.get(id, ("", ""))] for id in product.sales_channels],
            "options": list(product.options),
            "variants": [
                {
                    "cells": self._row(_variant_cells(variant, quantities.get(variant.entity, 0))),
                    "prices": {
                        _price_key(price.currency, price.region): cells.amount(
                            price.amount, names.digits(price.currency)
                        )
                        for price in variant.prices
                    },
                    "options": [value or "" for value in variant.options],
                }
                for variant in product.variants
            ],
        }

    def header(self, shape: Shape) -> str:
        """The first line of a file."""
        # Names of regions may look like formulas, but a column must be called what it is called.
        return cells.row(titles(shape)) + cells.LINE_END

    def rows(self, record: Record, shape: Shape) -> str:
        """The rows of a product."""
        keys = [_price_key(*price) for price in shape.prices]
        images = _padded(record["images"], shape.images)
        channels = _padded([cell for channel in record["channels"] for cell in channel], 3 * shape.sales_channels)
        behind = [self._row(images + channels)] if images or channels else []
        lines = []
        # Of a product without variants neither: such a row, imported again, is about none.
        for variant in record["variants"] or [{"cells": _NO_VARIANT, "prices": {}, "options": []}]:
            prices = variant["prices"]
            dynamic = [prices.get(key, "") for key in keys]
            options = [cell for pair in zip(record["options"], variant["options"], strict=False) for cell in pair]
            dynamic += _padded(options, 2 * shape.options)
            parts = [record["product"], variant["cells"], *([self._row(dynamic)] if dynamic else []), *behind]
            lines.append(cells.DELIMITER.join(parts) + cells.LINE_END)
        return "".join(lines)

    def _row(self, found: list[str]) -> str:
        return cells.row(found, escape_formulas=self._escape)


def size_of(record: Record) -> int:
    """As how many characters a product is kept, about."""
    return len(record["product"]) + sum(len(variant["cells"]) + _DYNAMIC for variant in record["variants"])


def shape_of(record: Record) -> Shape:
    """Of which columns a product needs how many."""
    keys = {key for variant in record["variants"] for key in variant["prices"]}
    prices = map(_price_of, keys)
    return Shape().merged(Shape(tuple(prices), len(record["options"]), len(record["images"]), len(record["channels"])))


def _product_cells(product: Product, names: Names) -> list[str]:
    collection = product.fields.get("collection")
    fields = {
        **PRODUCT_DEFAULTS,
        **product.fields,
        "id": product.id,
        "handle": product.handle,
        "status": product.status,
        "collection_title": names.collections.get(str(collection), "") if collection else "",
        "tags": cells.tags(product.tags),
        "profile_name": PROFILE[0],
        "profile_type": PROFILE[1],
    }
    return _texts(map(fields.get, _PRODUCT_FIELDS))


def _variant_cells(variant: Variant, quantity: int) -> list[str]:
    fields = {**VARIANT_DEFAULTS, **variant.fields, "id": variant.id, "inventory_quantity": quantity}
    return _texts(map(fields.get, _VARIANT_FIELDS))


def _texts(values: Iterable[Scalar | None]) -> list[str]:
    return [value if type(value) is str else cells.text(value) for value in values]


def _price_key(currency: str, region: str | None) -> str:
    return currency if region is None else f"{currency} {region}"


def _price_of(key: str) -> tuple[str, str | None]:
    currency, _, region = key.partition(" ")
    return currency, region or None


def _padded(found: list[str], length: int) -> list[str]:
    return found + [""] * (length - len(found))
