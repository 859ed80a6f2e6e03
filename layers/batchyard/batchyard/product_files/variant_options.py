"""Options of a product: their titles, and the values that its variants have for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from batchyard.catalogue.rules import Variant
from batchyard.product_files.parsing import Given

type Values = Mapping[str, str]
"""Values by the titles of their options."""


class Chosen(NamedTuple):
    """A row that is about a variant, and the values that the variant will have.

    Attributes:
        row: The row.
        stored: The variant as it is; None for a new one.
        values: Its values.
    """

    row: Given
    stored: Variant | None
    values: Values


def values_of(variant: Variant, titles: Sequence[str]) -> dict[str, str]:
    """The values that a stored variant has."""
    pairs = zip(titles, variant.options, strict=False)
    return {title: value for title, value in pairs if value is not None}


def given_values(row: Given) -> dict[str, str]:
    """The values that a row gives."""
    return {title: value for title, value in (row.options or {}).items() if value is not None}


def chosen(row: Given, stored: Variant | None, titles: Sequence[str]) -> Chosen:
    """The values that a row's variant will have.

    Args:
        stored: The variant as it is; None for a new one.
        titles: The options of the stored product.
    """
    before = {} if stored is None else values_of(stored, titles)
    if row.options is None:
        return Chosen(row, stored, before)
    # A row with cells for all options says all of them; one with fewer leaves the rest alone.
    kept = {} if row.option_columns >= len(titles) else before
    values = {title: value for title, value in kept.items() if title not in row.options}
    return Chosen(row, stored, values | given_values(row))


def titles_after(titles: Sequence[str], variants: Iterable[Variant], rows: Sequence[Chosen]) -> tuple[str, ...]:
    """The options that a product will have: new ones behind, and without those that nothing has a value for any more.

    Args:
        titles: Its options as they are.
        variants: Its variants as they are.
        rows: The rows that are about variants.
    """
    named = {title for one in rows for title in one.row.options or ()}
    if not named and all(one.row.options is None for one in rows):
        return tuple(titles)
    found = dict.fromkeys(titles)
    for one in rows:
        found.update(dict.fromkeys(one.row.options or ()))
    changed = {one.stored.id for one in rows if one.stored is not None}
    had: set[str] = set()
    has = {title for one in rows for title in one.values}
    for variant in variants:
        values = values_of(variant, titles)
        had.update(values)
        if variant.id not in changed:
            has.update(values)
    return tuple(title for title in found if title in named or title in has or title not in had)


def combination(values: Values, titles: Sequence[str]) -> tuple[str | None, ...]:
    """Values in the order of a product's options."""
    return tuple(map(values.get, titles))


def repeated(
    titles: Sequence[str], variants: Iterable[Variant], rows: Sequence[Chosen]
) -> Iterator[tuple[Chosen, str]]:
    """The rows that give a variant a combination of values that another one has, each with where that is.

    Any number of variants may have no values. What was alike before, and stays, is not this file's.

    Args:
        titles: The options of the stored product.
        variants: Its variants as they are.
        rows: The rows that are about variants.
    """
    about = {one.stored.id for one in rows if one.stored is not None}
    seen = {
        frozenset(values_of(variant, titles).items()): f"variant {variant.id}"
        for variant in variants
        if variant.id not in about
    }
    changed = []
    for one in rows:
        if one.stored is not None and one.values == values_of(one.stored, titles):
            seen.setdefault(frozenset(one.values.items()), f"line {one.row.line}")
        elif one.values:
            changed.append(one)
    for one in changed:
        where = f"line {one.row.line}"
        holder = seen.setdefault(frozenset(one.values.items()), where)
        if holder != where:
            yield one, holder
