"""Which variant of a product a row is about."""

from collections.abc import Sequence
from typing import NamedTuple

from batchyard.catalogue.rules import Variant
from batchyard.product_files import claims
from batchyard.product_files.faults import DUPLICATE, INVALID, NOT_FOUND, RowError, quoted
from batchyard.product_files.parsing import Given
from batchyard.product_files.variant_options import given_values, values_of


class Meant(NamedTuple):
    """Which variants rows are about.

    Attributes:
        rows: The rows that are about a variant, in their order.
        variants: Those variants that are stored, by the lines of their rows.
        errors: What is the matter with rows.
    """

    rows: list[Given]
    variants: dict[int, Variant]
    errors: list[RowError]


def meant(rows: Sequence[Given], variants: Sequence[Variant], titles: Sequence[str], *, match: bool) -> Meant:
    """Which variants rows of one handle are about.

    A variant that a row names by its ID is not found by another one. A row that is about none that is stored makes one.

    Args:
        variants: The stored product's.
        titles: The options of the stored product.
        match: Variants are found by their SKUs, else by their options, else by being the only one that can be meant.
    """
    search = _Search(rows, variants)
    search.by_id(match=match)
    about = [row for row in rows if _is_about_a_variant(row, variants, match=match)]
    if match:
        search.by_sku(about)
        search.by_options(about, titles)
        search.by_elimination(about, titles)
    return Meant(about, search.found, search.errors)


def _is_about_a_variant(row: Given, variants: Sequence[Variant], *, match: bool) -> bool:
    if row.has_variant or row.is_of_images:
        return not row.is_of_images
    # The row of a parent without children says nothing of a variant, nor does a match with a product of several.
    return row.product_id is None and not (match and len(variants) > 1)


def _is_bare(variant: Variant, titles: Sequence[str]) -> bool:
    return variant.sku is None and not values_of(variant, titles)


class _Search:
    def __init__(self, rows: Sequence[Given], variants: Sequence[Variant]) -> None:
        self._rows, self._variants = rows, variants
        self._lines: dict[str, int] = {}
        self.found: dict[int, Variant] = {}
        self.errors: list[RowError] = []

    def by_id(self, *, match: bool) -> None:
        variants = {variant.id: variant for variant in self._variants}
        is_found = match or any(row.product_id is not None for row in self._rows)
        suggestion = None if is_found else claims.TO_CHANGE_IT
        for row in self._rows:
            id = row.variant_id
            if id is None:
                continue
            if id not in variants:
                self._wrong(row, NOT_FOUND, f"Variant with id: {quoted(id)} was not found", suggestion)
            elif id in self._lines:
                self._wrong(row, DUPLICATE, f"Variant with id: {id} is already in line {self._lines[id]}")
            else:
                self._take(row, variants[id])

    def by_sku(self, rows: Sequence[Given]) -> None:
        variants = {variant.sku: variant for variant in self._variants if variant.sku is not None}
        for row in self._open(rows):
            sku = row.variant.get("sku")
            if sku is not None:
                self._take(row, variants.get(str(sku)))

    def by_options(self, rows: Sequence[Given], titles: Sequence[str]) -> None:
        variants = {frozenset(values_of(variant, titles).items()): variant for variant in self._variants}
        for row in self._open(rows):
            values = given_values(row)
            if values:
                self._take(row, variants.get(frozenset(values.items())))

    def by_elimination(self, rows: Sequence[Given], titles: Sequence[str]) -> None:
        bare = [row for row in self._open(rows) if row.variant.get("sku") is None and not given_values(row)]
        left = [variant for variant in self._variants if variant.id not in self._lines]
        # One that has neither SKU nor options was made by such a row, beside others.
        alike = left if len(self._variants) == 1 else [one for one in left if _is_bare(one, titles)]
        if bare and len(alike) == 1:
            self._take(bare.pop(0), alike[0])
        elif bare and not left:
            bare.pop(0)
        for row in bare:
            why = "Without Variant Id, SKU and options it is not clear which variant of product"
            self._wrong(row, INVALID, f"{why} {quoted(row.handle)} is meant")

    def _open(self, rows: Sequence[Given]) -> list[Given]:
        return [row for row in rows if row.variant_id is None and row.line not in self.found]

    def _take(self, row: Given, variant: Variant | None) -> None:
        if variant is not None and variant.id not in self._lines:
            self.found[row.line] = variant
            self._lines[variant.id] = row.line

    def _wrong(self, row: Given, code: str, message: str, suggestion: str | None = None) -> None:
        column = "Variant Id" if row.variant_id is not None else None
        self.errors.append(RowError(code, message, row.line, column, suggestion))
