"""What becomes of a product by the rows of a file.

All rows of one handle are one plan: the product as it will be, or why it cannot be. What is stored and what the file
says elsewhere is told by whoever asks, so the same rows and the same product always make the same plan.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from batchyard import jsontext
from batchyard.catalogue.rules import (
    DRAFT,
    LARGEST_PRODUCT,
    MOST_VARIANTS,
    PRODUCT_DEFAULTS,
    VARIANT_DEFAULTS,
    Product,
    Scalar,
    Variant,
)
from batchyard.product_files import claims, variant_options
from batchyard.product_files.claims import Claim
from batchyard.product_files.counting import Operations
from batchyard.product_files.faults import INVALID, NOT_FOUND, RowError, quoted
from batchyard.product_files.matching import meant
from batchyard.product_files.parsing import Given
from batchyard.product_files.variant_options import Chosen, combination, values_of

QUANTITY_LEFT_OUT = "quantity_left_out"

_OF_ANOTHER_SHOP = (
    'IDs of another shop are left out by context.mapping: {"Product Id": null, "Variant Id": null}, '
    "where the file has both columns"
)

_CENTRE = 0
"""The distribution centre whose quantity files set."""


class Notice(NamedTuple):
    """Something that is worth telling, and no error.

    Attributes:
        code: Of which kind it is.
        line: The data row.
    """

    code: str
    line: int


@dataclass(frozen=True, slots=True)
class Making:
    """How what is new is made.

    Args:
        by: The job that makes and changes it.
        now: The moment, in microseconds since the Unix epoch.
        product_id: The ID of the product that a row makes, by its line.
        variant_id: The ID of the variant that a row makes, by its line.
        entity: An integer ID that was never used; asked for a parent first, then for variants in the order of rows.
    """

    by: str
    now: int
    product_id: Callable[[int], str]
    variant_id: Callable[[int], str]
    entity: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a product.

    Args:
        handle: Its handle in the file.
        product: The product as it will be: the stored one itself where nothing changes, None where there are errors.
        before: The product as it is stored; None for a new one.
        quantities: Pieces to set in distribution centre 0, by the integer IDs of variants.
        operations: What is done, counted; nothing where there are errors.
        notices: What is worth telling.
        claims: What the product claims, each once: to be looked for in the rest of the file, and in the store.
        errors: What is the matter with the rows, in their order.
    """

    handle: str
    product: Product | None
    before: Product | None
    quantities: Mapping[int, int]
    operations: Operations
    notices: Sequence[Notice]
    claims: Sequence[Claim]
    errors: Sequence[RowError]


class Sought(NamedTuple):
    """Which stored product some rows are about; a new one, if neither is given.

    Attributes:
        id: Its ID.
        handle: Its handle, where it is to be found by that.
    """

    id: str | None
    handle: str | None


def sought(rows: Sequence[Given], *, match: bool) -> Sought:
    """Which stored product the rows of one handle are about.

    Args:
        match: Products are found by their handles, too.
    """
    id = next((row.product_id for row in rows if row.product_id is not None), None)
    return Sought(id, rows[0].handle if match and id is None else None)


def plan(
    rows: Sequence[Given],
    stored: Product | None,
    making: Making,
    *,
    stock: Mapping[int, Mapping[int, int]],
    bundles: Collection[int] = (),
    match: bool = False,
) -> Plan:
    """What becomes of a product by all rows of its handle.

    Args:
        rows: They, in the order of their lines, those included that have errors.
        stored: The product that they are about (`sought`), as it is now; None if there is none.
        making: How what is new is made. No integer ID is asked for where there are errors.
        stock: Pieces by distribution centre of the stored product's variants, by their integer IDs.
        bundles: The integer IDs of its variants that are bundles, which have no quantities of their own.
        match: Variants are found by their SKUs, their options, or by being the only one.
    """
    return _Planning(rows, stored, making, stock, bundles, match=match).plan()


class _Planning:
    def __init__(
        self,
        rows: Sequence[Given],
        stored: Product | None,
        making: Making,
        stock: Mapping[int, Mapping[int, int]],
        bundles: Collection[int],
        *,
        match: bool,
    ) -> None:
        self._rows, self._first, self._stored, self._making, self._stock = rows, rows[0], stored, making, stock
        self._bundles = bundles
        self._variants = () if stored is None else stored.variants
        self._titles = () if stored is None else stored.options
        self._errors = [error for row in rows for error in row.errors]
        self._check_product_ids()
        found = meant(rows, self._variants, self._titles, match=match)
        self._errors += found.errors
        self._chosen = [variant_options.chosen(row, found.variants.get(row.line), self._titles) for row in found.rows]
        self._options = variant_options.titles_after(self._titles, self._variants, self._chosen)
        self._check_options()
        self._claims = [*self._own_claims(), *self._sku_claims()]

    def plan(self) -> Plan:
        """What becomes of the product."""
        planned = None if self._errors else self._planned()
        if planned is not None:
            self._check_limits(planned)
        is_possible = planned is not None and not self._errors
        product = self._numbered(planned) if planned is not None and is_possible else None
        return Plan(
            handle=self._first.handle,
            product=product,
            before=self._stored,
            quantities={} if product is None else self._quantities(product),
            operations=Operations() if product is None else self._operations(),
            notices=[] if product is None else self._notices(),
            claims=self._claims,
            errors=sorted(self._errors, key=lambda error: error.line or 0),
        )

    def _wrong(self, row: Given, message: str, column: str | None = None, code: str = INVALID) -> None:
        self._errors.append(RowError(code, message, row.line, column))

    # What is the matter.

    def _check_product_ids(self) -> None:
        named: str | None = None
        for row in self._rows:
            id = row.product_id
            if id is None or id == named:
                continue
            if named is not None:
                message = f"Product {quoted(row.handle)} has two Product Ids: {quoted(named)} and {quoted(id)}"
                self._wrong(row, message, "Product Id")
                continue
            named = id
            if self._stored is None or self._stored.id != id:
                message = f"Product with id: {quoted(id)} was not found"
                self._errors.append(RowError(NOT_FOUND, message, row.line, "Product Id", _OF_ANOTHER_SHOP))

    def _check_options(self) -> None:
        for one, holder in variant_options.repeated(self._titles, self._variants, self._chosen):
            told = " / ".join(quoted(value) for value in one.values.values())
            handle = quoted(one.row.handle)
            self._wrong(one.row, f"Two variants of product {handle} have the option values {told}: see {holder}")

    def _check_limits(self, product: Product) -> None:
        handle = quoted(product.handle)
        new = [one.row for one in self._chosen if one.stored is None]
        excess = len(product.variants) - MOST_VARIANTS
        if new and excess > 0:
            message = f"{len(product.variants)} variants of product {handle}, of {MOST_VARIANTS} that can be"
            self._wrong(new[-min(excess, len(new))], message)
        size = _size(product)
        if size > LARGEST_PRODUCT:
            self._wrong(self._first, f"Product {handle} has {size} bytes, of {LARGEST_PRODUCT} that can be")

    # What only one product, and one variant, can have.

    def _own_claims(self) -> Iterator[Claim]:
        named = next((row for row in self._rows if row.product_id is not None), None)
        # A product that is not there takes no handle from another: one error is enough.
        if self._first.handle and (named is None or self._stored is not None):
            yield Claim(claims.HANDLE, self._first.handle, self._first.line)
        if named is not None:
            yield Claim(claims.PRODUCT, str(named.product_id), named.line)

    def _sku_claims(self) -> list[Claim]:
        """The SKUs that the rows give, each once."""
        changed = {one.stored.id for one in self._chosen if one.stored is not None and "sku" in one.row.variant}
        kept = {variant.sku: variant.id for variant in self._variants if variant.id not in changed}
        found: dict[str, Claim] = {}
        for one in self._chosen:
            sku = one.row.variant.get("sku")
            if sku is None:
                continue
            claim, handle = Claim(claims.SKU, str(sku), one.row.line), one.row.handle
            first = found.setdefault(claim.value, claim)
            if first is not claim:
                self._errors.append(claims.comes_twice(claim, handle, first, handle))
            elif claim.value in kept:
                self._errors.append(claims.is_held_by_variant(claim, handle, kept[claim.value]))
        return list(found.values())

    # What comes of it.

    def _planned(self) -> Product:
        """The product as it will be, without the integer IDs of what is new."""
        making, first = self._making, self._first
        base = self._stored or Product(
            id=making.product_id(first.line),
            handle=first.handle,
            status=DRAFT,
            created=making.now,
            updated=making.now,
            by=making.by,
        )
        changed = {one.stored.id: self._variant(one) for one in self._chosen if one.stored is not None}
        variants = [changed.get(variant.id) or self._untouched(variant) for variant in self._variants]
        variants += [self._variant(one) for one in self._chosen if one.stored is None]
        return replace(
            base,
            handle=first.handle,
            status=first.status or base.status,
            fields=_merged(base.fields, first.product, PRODUCT_DEFAULTS),
            tags=base.tags if first.tags is None else first.tags,
            images=base.images if first.images is None else first.images,
            options=self._options,
            sales_channels=base.sales_channels if first.sales_channels is None else first.sales_channels,
            variants=tuple(variants),
        )

    def _variant(self, one: Chosen) -> Variant:
        row = one.row
        base = one.stored or Variant(self._making.variant_id(row.line), 0)
        prices, options = base.prices, base.options
        if row.prices is not None and set(prices) != set(row.prices):
            prices = row.prices
        if self._options != self._titles or one.stored is None or one.values != values_of(base, self._titles):
            options = combination(one.values, self._options)
        given = row.variant if one.stored is not None else {**row.new_variant, **row.variant}
        fields = _merged(base.fields, given, VARIANT_DEFAULTS)
        return replace(base, fields=fields, prices=prices, options=options)

    def _untouched(self, variant: Variant) -> Variant:
        """A variant of which no row says anything; its values may stand elsewhere now."""
        if self._options == self._titles:
            return variant
        return replace(variant, options=combination(values_of(variant, self._titles), self._options))

    def _numbered(self, product: Product) -> Product:
        """The product with the integer IDs of what is new; the stored one where nothing changes."""
        if self._stored is not None and product == self._stored:
            return self._stored
        entity, now = self._making.entity, max(self._making.now, product.updated)
        parent = product.parent
        if parent is None and (product.options or len(product.variants) > 1):
            parent = entity()
        variants = tuple(one if one.entity else replace(one, entity=entity()) for one in product.variants)
        return replace(product, parent=parent, variants=variants, updated=now, by=self._making.by)

    def _operations(self) -> Operations:
        updated = sum(one.stored is not None for one in self._chosen)
        is_new = self._stored is None
        return Operations(int(is_new), int(not is_new), len(self._chosen) - updated, updated)

    def _quantities(self, product: Product) -> dict[int, int]:
        new = iter(product.variants[len(self._variants) :])
        quantities: dict[int, int] = {}
        for one in self._chosen:
            entity = next(new).entity if one.stored is None else one.stored.entity
            quantity = one.row.quantity
            if quantity is None or self._is_elsewhere(one):
                continue
            if one.stored is None or self._stock.get(entity, {}).get(_CENTRE, 0) != quantity:
                quantities[entity] = quantity
        return quantities

    def _notices(self) -> list[Notice]:
        told = [Notice(code, row.line) for row in self._rows for code in row.notices]
        return told + [
            Notice(QUANTITY_LEFT_OUT, one.row.line)
            for one in self._chosen
            if one.row.quantity is not None and self._is_elsewhere(one)
        ]

    def _is_elsewhere(self, one: Chosen) -> bool:
        """Whether other distribution centres hold stock of a variant, so that it is not clear which a file means.

        That of a bundle is nowhere but in its components.
        """
        if one.stored is not None and one.stored.entity in self._bundles:
            return True
        pieces = {} if one.stored is None else self._stock.get(one.stored.entity, {})
        return any(number for centre, number in pieces.items() if centre != _CENTRE)


def _merged(
    fields: Mapping[str, Scalar], given: Mapping[str, Scalar | None], defaults: Mapping[str, Scalar]
) -> Mapping[str, Scalar]:
    """Plain values with what a row gives; a value that is its default stays as it was told, or untold.

    An empty text stays, too, where a cell is empty: it is what an export has for it.
    """
    changes = {
        name: value
        for name, value in given.items()
        if (stored := fields.get(name, defaults.get(name))) != value and not (value is None and stored == "")
    }
    if not changes:
        return fields
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def _size(product: Product) -> int:
    """Bytes of a product as JSON; an estimate that is never too low where it is far from the limit."""
    texts = [*product.tags, *product.images, *product.options, *map(str, product.fields.values())]
    for variant in product.variants:
        texts += [*map(str, variant.fields.values()), *(value for value in variant.options if value is not None)]
        texts += [price.region or "" for price in variant.prices]
    fields = len(texts) + sum(len(variant.prices) for variant in product.variants) + 10 * len(product.variants)
    bound = 6 * sum(map(len, texts)) + 64 * fields
    if bound <= LARGEST_PRODUCT:
        return bound
    content: dict[str, Any] = {
        "fields": product.fields,
        "tags": product.tags,
        "images": product.images,
        "options": product.options,
        "sales_channels": product.sales_channels,
        "variants": [
            {
                "id": variant.id,
                "entity": variant.entity,
                "fields": variant.fields,
                "prices": variant.prices,
                "options": variant.options,
            }
            for variant in product.variants
        ],
    }
    return len(jsontext.dumps(content).encode())
