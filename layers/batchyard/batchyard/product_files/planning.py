"""What becomes of a product by the rows of a file.

All rows of one handle are one plan: the product as it will be, or why it cannot be. What is stored and what the file
says elsewhere is told by whoever asks, so the same rows and the same product always make the same plan.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from batchyard.product_files.counting import Operations
from batchyard.product_files.faults import DUPLICATE, INVALID, NOT_FOUND, RowError, quoted
from batchyard.product_files.parsing import Given

MOST_ROWS = 2048
"""Rows of one handle."""

PRODUCT, HANDLE, SKU_OF = "product", "handle", "sku"
"""What can be claimed."""

_TITLES = {PRODUCT: "Product Id", HANDLE: "Product Handle", SKU_OF: "Variant SKU"}

QUANTITY_LEFT_OUT = "quantity_left_out"

_CENTRE = 0
"""The distribution centre whose quantity files set."""


class Claim(NamedTuple):
    """Something that only one product can have.

    Attributes:
        kind: `PRODUCT` for a Product Id that the file names, `HANDLE`, or `SKU_OF` for a SKU.
        value: It.
        line: The first row that claims it.
    """

    kind: str
    value: str
    line: int


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
    """Which stored product some rows are about.

    Attributes:
        id: Its ID; None where the rows do not name one.
        handle: Its handle, where it is to be found by that; None for none.
    """

    id: str | None
    handle: str | None


def sought(rows: Iterable[Given], *, match: bool) -> Sought:
    """Which stored product the rows of one handle are about; a new one, if neither is given.

    Args:
        rows: They.
        match: Products are found by their handles, too.
    """
    ordered = _in_order(rows)
    id = next((row.product_id for row in ordered if row.product_id), None)
    return Sought(id, ordered[0].handle if match and id is None else None)


def plan(
    rows: Iterable[Given],
    stored: Product | None,
    making: Making,
    *,
    stock: Mapping[int, Mapping[int, int]],
    match: bool = False,
) -> Plan:
    """What becomes of a product by all rows of its handle.

    Args:
        rows: They, those included that have errors.
        stored: The product that they are about (`sought`), as it is now; None if there is none.
        making: How what is new is made. No integer ID is asked for where there are errors.
        stock: Pieces by distribution centre of the stored product's variants, by their integer IDs.
        match: Variants are found by their SKUs, their options, or by being the only one.
    """
    return _Planning(_in_order(rows), stored, making, stock, match=match).plan()


def comes_twice(claim: Claim, handle: str, first: Claim, first_handle: str) -> RowError:
    """The error of a claim that the product of an earlier row has already.

    Args:
        claim: The later one.
        handle: The handle of its product.
        first: The earlier one.
        first_handle: The handle of its product.
    """
    where = f"line {first.line} (product {quoted(first_handle)})"
    return _taken(claim, f"{_named(claim)} of product {quoted(handle)} is already in {where}")


def is_held(claim: Claim, handle: str, holder: str) -> RowError:
    """The error of a claim that another product in the store has.

    Args:
        claim: The claim.
        handle: The handle of its product.
        holder: The handle, or the ID, of the other one.
    """
    return _taken(
        claim,
        f"{_named(claim)} of product {quoted(handle)} already belongs to another product ({quoted(holder)}). "
        "If this file takes it from that one, import in two steps",
    )


def _taken(claim: Claim, message: str) -> RowError:
    return RowError(DUPLICATE, message, claim.line, _TITLES[claim.kind])


def _named(claim: Claim) -> str:
    return f"{_TITLES[claim.kind]} {quoted(claim.value)}"


def _in_order(rows: Iterable[Given]) -> list[Given]:
    return sorted(rows, key=lambda row: row.line)


@dataclass(slots=True)
class _Touched:
    """A variant that a row makes or changes.

    Args:
        row: The row.
        stored: The variant as it is; None for a new one.
        options: Its values by the titles of the options.
    """

    row: Given
    stored: Variant | None
    options: dict[str, str] = field(default_factory=dict)


class _Planning:
    def __init__(
        self,
        rows: list[Given],
        stored: Product | None,
        making: Making,
        stock: Mapping[int, Mapping[int, int]],
        *,
        match: bool,
    ) -> None:
        self._rows, self._stored, self._making, self._stock, self._match = rows, stored, making, stock, match
        self._first = rows[0]
        self._variants = stored.variants if stored is not None else ()
        self._titles = stored.options if stored is not None else ()
        self._by_id = {variant.id: variant for variant in self._variants}
        self._errors = [error for row in rows for error in row.errors]

    def plan(self) -> Plan:
        self._check_rows()
        self._check_product_ids()
        touched = self._touched()
        options = self._options(touched)
        self._check_options(touched, options)
        claims = [*self._claims(), *self._skus(touched)]
        product: Product | None = None
        quantities: dict[int, int] = {}
        notices: list[Notice] = []
        operations = Operations()
        if not self._errors:
            new = self._product(touched, options)
            self._check_size(new)
            if not self._errors:
                product = self._numbered(new)
                quantities, notices = self._quantities(product, touched)
                operations = self._operations(touched)
        return Plan(
            handle=self._first.handle,
            product=product,
            before=self._stored,
            quantities=quantities,
            operations=operations,
            notices=notices,
            claims=claims,
            errors=sorted(self._errors, key=lambda error: error.line or 0),
        )

    def _wrong(self, row: Given, message: str, column: str | None = None, code: str = INVALID) -> None:
        self._errors.append(RowError(code, message, row.line, column))

    # Which product, and which variants.

    def _check_rows(self) -> None:
        if len(self._rows) > MOST_ROWS:
            handle = quoted(self._first.handle)
            self._wrong(
                self._rows[MOST_ROWS],
                f"{len(self._rows)} rows of product {handle}, of {MOST_ROWS} that can be",
                "Product Handle",
            )

    def _check_product_ids(self) -> None:
        named: str | None = None
        for row in self._rows:
            id = row.product_id
            if id is None or id == named:
                continue
            if named is not None:
                handle = quoted(row.handle)
                self._wrong(row, f"Product {handle} has two Product Ids: {named} and {quoted(id)}", "Product Id")
                continue
            named = id
            if self._stored is None or self._stored.id != id:
                self._wrong(row, f"Product with id: {quoted(id)} was not found", "Product Id", NOT_FOUND)

    def _touched(self) -> list[_Touched]:
        """The variants that the rows make or change, in the order of the rows."""
        meant = self._meant()
        return [_Touched(row, meant.get(row.line)) for row in self._rows if self._is_about_a_variant(row)]

    def _is_about_a_variant(self, row: Given) -> bool:
        if row.has_variant:
            return True
        # The row of a parent without children says nothing of a variant, nor does one of a product of several.
        return row.product_id is None and not (self._match and len(self._variants) > 1)

    def _meant(self) -> dict[int, Variant]:
        """The stored variants that rows are about, by the lines of these: what is named first, then what is found."""
        meant: dict[int, Variant] = {}
        lines: dict[str, int] = {}

        def found(row: Given, variant: Variant) -> None:
            meant[row.line] = variant
            lines[variant.id] = row.line

        for row in self._rows:
            if row.variant_id is None:
                continue
            variant = self._by_id.get(row.variant_id)
            if variant is None:
                self._wrong(row, f"Variant with id: {quoted(row.variant_id)} was not found", "Variant Id", NOT_FOUND)
            elif variant.id in lines:
                message = f"Variant with id: {variant.id} is already in line {lines[variant.id]}"
                self._wrong(row, message, "Variant Id", DUPLICATE)
            else:
                found(row, variant)
        if not self._match or not self._variants:
            return meant
        for find in (self._by_sku(), self._by_options()):
            for row in self._rows:
                if row.line not in meant and row.variant_id is None:
                    variant = find(row)
                    if variant is not None and variant.id not in lines:
                        found(row, variant)
        for row in self._rows:
            if row.line in meant or row.variant_id or row.variant.get("sku") or _values(row):
                continue
            if len(self._variants) == 1 and self._variants[0].id not in lines:
                found(row, self._variants[0])
            elif self._is_about_a_variant(row):
                handle = quoted(row.handle)
                self._wrong(
                    row,
                    f"Without Variant Id, SKU and options it is not clear which variant of product {handle} is meant",
                )
        return meant

    def _by_sku(self) -> Callable[[Given], Variant | None]:
        by_sku = {variant.sku: variant for variant in self._variants if variant.sku is not None}
        return lambda row: by_sku.get(row.variant.get("sku"))  # type: ignore[arg-type]

    def _by_options(self) -> Callable[[Given], Variant | None]:
        by_values = {frozenset(self._stored_values(variant).items()): variant for variant in self._variants}
        return lambda row: by_values.get(frozenset(values.items())) if (values := _values(row)) else None

    def _stored_values(self, variant: Variant) -> dict[str, str]:
        pairs = zip(self._titles, variant.options, strict=False)
        return {title: value for title, value in pairs if value is not None}

    # Options.

    def _options(self, touched: Sequence[_Touched]) -> tuple[str, ...]:
        """The titles of the options as they will be; the values of what is touched become known, too."""
        titles = dict.fromkeys(self._titles)
        named: set[str] = set()
        for one in touched:
            row = one.row
            before = {} if one.stored is None else self._stored_values(one.stored)
            if row.options is None:
                one.options = before
                continue
            # A row with cells for all options says all of them; one with fewer leaves the rest alone.
            one.options = {} if row.option_columns >= len(self._titles) else before
            for title, value in row.options.items():
                titles[title] = None
                if value is None:
                    one.options.pop(title, None)
                else:
                    one.options[title] = value
            named.update(row.options)
        if not named.issuperset(titles):
            ids = {one.stored.id for one in touched if one.stored is not None}
            left = [self._stored_values(variant) for variant in self._variants if variant.id not in ids]
            used = {title for values in (*left, *(one.options for one in touched)) for title in values}
            lost = {title for variant in self._variants for title in self._stored_values(variant)} - used - named
            for title in lost:
                del titles[title]
        return tuple(titles)

    def _check_options(self, touched: Sequence[_Touched], titles: tuple[str, ...]) -> None:
        if not titles:
            return
        ids = {one.stored.id for one in touched if one.stored is not None}
        seen: dict[tuple[str | None, ...], str] = {}
        changed = []
        for variant in self._variants:
            if variant.id not in ids:
                seen[_combination(self._stored_values(variant), titles)] = f"variant {variant.id}"
        for one in touched:
            if one.stored is not None and one.options == self._stored_values(one.stored):
                seen.setdefault(_combination(one.options, titles), f"line {one.row.line}")
            else:
                changed.append(one)
        for one in changed:
            combination = _combination(one.options, titles)
            holder = seen.setdefault(combination, f"line {one.row.line}")
            if holder != f"line {one.row.line}":
                told = " / ".join(quoted(value) for value in combination if value is not None) or "none"
                handle = quoted(one.row.handle)
                self._wrong(one.row, f"Two variants of product {handle} have the option values {told}: see {holder}")

    # What only one product, and one variant, can have.

    def _claims(self) -> Iterator[Claim]:
        named = next((row for row in self._rows if row.product_id is not None), None)
        # A product that is not there takes no handle from another: one error is enough.
        if named is None or self._stored is not None:
            yield Claim(HANDLE, self._first.handle, self._first.line)
        if named is not None:
            yield Claim(PRODUCT, str(named.product_id), named.line)

    def _skus(self, touched: Sequence[_Touched]) -> list[Claim]:
        """The SKUs that the rows give, each once."""
        giving = [one for one in touched if one.row.variant.get("sku") is not None]
        changed = {one.stored.id for one in touched if one.stored is not None and "sku" in one.row.variant}
        held = {
            variant.sku: f"variant {variant.id}"
            for variant in self._variants
            if variant.sku is not None and variant.id not in changed
        }
        claims: dict[str, Claim] = {}
        for one in giving:
            claim = Claim(SKU_OF, str(one.row.variant["sku"]), one.row.line)
            first = claims.get(claim.value)
            if first is not None:
                self._errors.append(comes_twice(claim, one.row.handle, first, one.row.handle))
                continue
            claims[claim.value] = claim
            holder = held.get(claim.value)
            if holder is not None:
                message = f"{_named(claim)} of product {quoted(one.row.handle)} already belongs to its {holder}"
                self._errors.append(_taken(claim, message))
        return list(claims.values())

    # What comes of it.

    def _product(self, touched: Sequence[_Touched], options: tuple[str, ...]) -> Product:
        """The product as it will be, without the integer IDs of what is new."""
        making, first, stored = self._making, self._first, self._stored
        base = stored or Product(
            id=making.product_id(first.line),
            handle=first.handle,
            status=DRAFT,
            created=making.now,
            updated=making.now,
            by=making.by,
        )
        changed = {one.stored.id: self._variant(one, options) for one in touched if one.stored is not None}
        variants = [changed.get(variant.id) or self._kept(variant, options) for variant in self._variants]
        variants += [self._variant(one, options) for one in touched if one.stored is None]
        new = [one.row for one in touched if one.stored is None]
        if new and len(variants) > MOST_VARIANTS:
            message = f"{len(variants)} variants of product {quoted(first.handle)}, of {MOST_VARIANTS} that can be"
            self._wrong(new[max(MOST_VARIANTS - len(variants), -len(new))], message)
        return replace(
            base,
            handle=first.handle,
            status=first.status or base.status,
            fields=_merged(base.fields, first.product, PRODUCT_DEFAULTS),
            tags=base.tags if first.tags is None else first.tags,
            images=base.images if first.images is None else first.images,
            options=options,
            sales_channels=base.sales_channels if first.sales_channels is None else first.sales_channels,
            variants=tuple(variants),
        )

    def _variant(self, one: _Touched, titles: tuple[str, ...]) -> Variant:
        row = one.row
        base = one.stored or Variant(self._making.variant_id(row.line), 0)
        prices = base.prices
        if row.prices is not None and set(base.prices) != set(row.prices):
            prices = row.prices
        options = base.options
        if one.stored is None or titles != self._titles or one.options != self._stored_values(base):
            options = _combination(one.options, titles)
        return replace(
            base,
            fields=_merged(base.fields, row.variant, VARIANT_DEFAULTS),
            prices=prices,
            options=options,
        )

    def _kept(self, variant: Variant, titles: tuple[str, ...]) -> Variant:
        """A variant of which no row says anything; its options may stand elsewhere now."""
        if titles == self._titles:
            return variant
        return replace(variant, options=_combination(self._stored_values(variant), titles))

    def _check_size(self, product: Product) -> None:
        size = _size(product)
        if size > LARGEST_PRODUCT:
            handle = quoted(product.handle)
            self._wrong(self._first, f"Product {handle} has {size} bytes, of {LARGEST_PRODUCT} that can be")

    def _numbered(self, product: Product) -> Product:
        """The product with the integer IDs of what is new; the stored one where nothing changes."""
        if product == self._stored:
            return self._stored
        entity = self._making.entity
        parent = product.parent
        if parent is None and (product.options or len(product.variants) > 1):
            parent = entity()
        variants = tuple(one if one.entity else replace(one, entity=entity()) for one in product.variants)
        return replace(product, parent=parent, variants=variants, updated=self._making.now, by=self._making.by)

    def _operations(self, touched: Sequence[_Touched]) -> Operations:
        updated = sum(one.stored is not None for one in touched)
        is_new = self._stored is None
        return Operations(int(is_new), int(not is_new), len(touched) - updated, updated)

    def _quantities(self, product: Product, touched: Sequence[_Touched]) -> tuple[dict[int, int], list[Notice]]:
        entities = {variant.id: variant.entity for variant in product.variants}
        quantities: dict[int, int] = {}
        notices = []
        for one in touched:
            row = one.row
            if row.quantity is None:
                continue
            if one.stored is None:
                quantities[entities[self._making.variant_id(row.line)]] = row.quantity
                continue
            pieces = self._stock.get(one.stored.entity, {})
            if any(number for centre, number in pieces.items() if centre != _CENTRE):
                notices.append(Notice(QUANTITY_LEFT_OUT, row.line))
            elif pieces.get(_CENTRE, 0) != row.quantity:
                quantities[one.stored.entity] = row.quantity
        return quantities, notices


def _values(row: Given) -> dict[str, str]:
    """The option values that a row gives."""
    return {title: value for title, value in (row.options or {}).items() if value is not None}


def _combination(values: Mapping[str, str], titles: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(values.get(title) for title in titles)


def _merged(
    fields: Mapping[str, Scalar], given: Mapping[str, Scalar | None], defaults: Mapping[str, Scalar]
) -> Mapping[str, Scalar]:
    """Plain values with what a row gives; a value that is its default stays as it was told, or untold."""
    changes = {name: value for name, value in given.items() if fields.get(name, defaults.get(name)) != value}
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
