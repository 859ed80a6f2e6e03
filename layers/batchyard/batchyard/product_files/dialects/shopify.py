"""Files of Shopify, of both generations: the column names of 2013 and those of 2025.

A product's rows are its variants, or images that are more than these. What the first row says of the product, and how
it names the options, holds for all of them.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from batchyard.catalogue.rules import DRAFT, LONGEST_NAME, MOST_IMAGES, PUBLISHED, Scalar
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
from batchyard.product_files.faults import INVALID, RowError, quoted
from batchyard.product_files.reading import Row

BECAME_DRAFT = "status_became_draft"

_HANDLE, _TITLE, _TAGS, _STATUS = "Product Handle", "Product Title", "Product Tags", "Product Status"
_SKU, _BARCODE = "Variant SKU", "Variant Barcode"
_MANAGED, _BACKORDER = "Variant Manage Inventory", "Variant Allow Backorder"

_TARGETS: Mapping[str, str] = {
    "Handle": _HANDLE,
    "URL handle": _HANDLE,
    "Title": _TITLE,
    "Body (HTML)": "Product Description",
    "Description": "Product Description",
    "Type": "Product Type",
    "Tags": _TAGS,
    "Status": _STATUS,
    **{
        f"Option{number} {part}": f"Option {number} {part.title()}" for number in (1, 2, 3) for part in ("Name", "name")
    },
    **{
        f"Option{number} {part}": f"Option {number} {part.title()}"
        for number in (1, 2, 3)
        for part in ("Value", "value")
    },
    "Variant SKU": _SKU,
    "SKU": _SKU,
    "Variant Barcode": _BARCODE,
    "Barcode": _BARCODE,
    "Variant Grams": "Variant Weight",
    "Weight value (grams)": "Variant Weight",
    "Variant Inventory Qty": "Variant Inventory Quantity",
    "Inventory quantity": "Variant Inventory Quantity",
    "Variant Inventory Tracker": _MANAGED,
    "Inventory tracker": _MANAGED,
    "Variant Inventory Policy": _BACKORDER,
    "Continue selling when out of stock": _BACKORDER,
    "Image Src": "Image 1 Url",
    "Product image URL": "Image 1 Url",
    "Variant Image": "Image 2 Url",
    "Variant image URL": "Image 2 Url",
}
_PUBLISHED = frozenset({"Published", "Published on online store"})
_PRICES = frozenset({"Variant Price", "Price"})
_POSITIONS = frozenset({"Image Position", "Image position"})
_VARIANT_IMAGES = frozenset({"Variant Image", "Variant image URL"})

_IGNORED = frozenset(
    {
        *("Image Position", "Image Alt Text", "Vendor", "Product Category", "Variant Compare At Price"),
        *("Image position", "Image alt text", "Product category", "Compare-at price", "Cost per item"),
        *("Variant Taxable", "Variant Tax Code", "Variant Requires Shipping", "Variant Fulfillment Service"),
        *("Charge tax", "Tax code", "Requires shipping", "Fulfillment service", "Gift Card", "Gift card"),
        *("SEO Title", "SEO Description", "SEO title", "SEO description"),
        *("Variant Weight Unit", "Weight unit for display"),
        *(f"Option{number} Linked To" for number in (1, 2, 3)),
        *("Unit Price Total Measure", "Unit Price Total Measure Unit"),
        *("Unit Price Base Measure", "Unit Price Base Measure Unit"),
        *("Unit price total measure", "Unit price total measure unit"),
        *("Unit price base measure", "Unit price base measure unit"),
    }
)
_IGNORED_PATTERN = re.compile(
    r"(?:Google Shopping|Included|Compare At Price|Compare-at price) / .+|.+ \(product\.metafields\.[^()]+\)", re.DOTALL
)
_REGION_PRICE = re.compile(r"Price / (.+)", re.DOTALL)

# Spreadsheets take it for the mark of a text, and Shopify writes it before numbers.
_MARKED = re.compile("'[0-9]")
_POSITION = re.compile(r"[0-9]{1,9}")

_STATUSES = {"active": PUBLISHED, "draft": DRAFT, "archived": DRAFT, "unlisted": DRAFT}
_TOLD_STATUSES = frozenset({"archived", "unlisted"})
_BOOLEANS = {"true": True, "false": False}
_POLICIES = {"continue": True, "deny": False, **_BOOLEANS}

_NO_OPTION = ("Title", "Default Title")
"""Name and value of the only option of a product without options."""

_BETWEEN_VALUES = " / "


def _columns(titles: Sequence[str], settings: Settings) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for title in titles:
        if title in _TARGETS:
            found[title] = Column(_TARGETS[title])
        elif title in _PRICES:
            found[title] = Column(f"Price {settings.currency.upper()}")
        elif title in _PUBLISHED:
            found[title] = READ_WITH_OTHERS if "Status" in titles else Column(_STATUS)
        elif region := _REGION_PRICE.fullmatch(title):
            is_ours = settings.regions().get(region[1]) == settings.currency
            found[title] = Column(f"Price {region[1]} [{settings.currency.upper()}]") if is_ours else IGNORED
        elif title in _IGNORED or _IGNORED_PATTERN.fullmatch(title):
            found[title] = IGNORED
    return found


def _missing(targets: Collection[str | None], context: Mapping[str, Any]) -> list[str]:
    found = [] if _HANDLE in targets else ['"Handle" or "URL handle"']
    # Without a match all products are new ones, of which each has a title.
    return found if _TITLE in targets or context.get("match") is not None else [*found, '"Title"']


def _code(cell: str) -> str:
    return cell[1:] if _MARKED.match(cell) else cell


class _Option(NamedTuple):
    """Where an option of a row's variant stands.

    Attributes:
        name: The column of its name, from 0; None if the file has none.
        value: The column of its value.
    """

    name: int | None
    value: int | None


class _Group(NamedTuple):
    """What the rows of one handle have in common.

    Attributes:
        handle: The handle.
        title: The title of the product; empty where the first row has none.
        names: The names of its options; empty for one that has none.
        has_several: More than one of the rows is about a variant.
    """

    handle: str
    title: str
    names: Sequence[str]
    has_several: bool


class _Change:
    """A row on its way to our own form.

    Args:
        titles: What stands above the columns.
    """

    def __init__(self, row: Row, titles: Sequence[str]) -> None:
        self.line, self.cells = row.line, [*row.cells]
        self.errors: list[RowError] = []
        self.notices: list[str] = []
        self._titles = titles

    def cell(self, place: int | None) -> str | None:
        """A cell; None where the row has none."""
        return None if place is None or place >= len(self.cells) else self.cells[place]

    def put(self, place: int | None, cell: str) -> None:
        """Puts something into a cell, if the row has it."""
        if place is not None and place < len(self.cells):
            self.cells[place] = cell

    def wrong(self, place: int | None, why: str) -> None:
        """Tells what is the matter with a cell."""
        title = None if place is None else self._titles[place]
        message = why if title is None else f"{title}: {why}"
        self.errors.append(RowError(INVALID, message, self.line, title))

    def refuse(self, place: int | None, cell: str, words: Iterable[str]) -> None:
        """Tells that a cell has none of the words that it can have, and empties it."""
        self.wrong(place, f"{quoted(cell)} is none of {', '.join(words)}")
        self.put(place, "")


class _Rows:
    """Reads the rows of one handle after the other.

    Args:
        columns: The columns of the file.
    """

    def __init__(self, columns: Columns) -> None:
        self._titles = columns.titles
        self._handle, self._title = columns.place(_HANDLE), columns.place(_TITLE)
        self._tags = columns.place(_TAGS)
        self._codes = [place for target in (_SKU, _BARCODE) if (place := columns.place(target)) is not None]
        self._managed, self._backorder = columns.place(_MANAGED), columns.place(_BACKORDER)
        status = columns.place(_STATUS)
        is_published = status is not None and columns.titles[status] in _PUBLISHED
        self._status = None if is_published else status
        self._published = status if is_published else columns.place_of_title(_PUBLISHED)
        self._options = [
            _Option(columns.place(f"Option {number} Name"), columns.place(f"Option {number} Value"))
            for number in (1, 2, 3)
        ]
        self._has_values = any(option.value is not None for option in self._options)
        self._images: list[int] = []
        self._variant_images: list[int] = []
        self._of_variant: list[int] = []
        self._tells_variant: list[int] = []
        for place, target in enumerate(columns.targets):
            if target is None:
                continue
            if target.startswith("Image "):
                of_variant = columns.titles[place] in _VARIANT_IMAGES
                (self._variant_images if of_variant else self._images).append(place)
            elif target.startswith(("Variant ", "Option ", "Price ")):
                self._of_variant.append(place)
                if target == _SKU or target.startswith("Price ") or target.endswith(" Value"):
                    self._tells_variant.append(place)
        self._position = next((place for place, title in enumerate(columns.titles) if title in _POSITIONS), None)
        self._derives_title = columns.place("Variant Title") is None

    def __call__(self, rows: Sequence[Row]) -> list[Told]:
        changes = [_Change(row, self._titles) for row in rows]
        of_images = [self._is_of_images(change) for change in changes]
        if all(of_images):
            # A product has a variant, of which it need not say anything.
            of_images[0] = False
        first = changes[0]
        group = _Group(
            first.cell(self._handle) or "",
            first.cell(self._title) or "",
            [first.cell(option.name) or "" for option in self._options],
            of_images.count(False) > 1,
        )
        if self._title is not None and group.handle and not group.title:
            first.wrong(self._title, f"the first row of product {quoted(group.handle)} has none")
        images = self._all_images(changes, group)
        told = [self._told(change, group, is_image) for change, is_image in zip(changes, of_images, strict=True)]
        return [told[0]._replace(images=images), *(one._replace(notices=()) for one in told[1:])]

    def _is_of_images(self, change: _Change) -> bool:
        has_image = any(change.cell(place) for place in (*self._images, *self._variant_images))
        return has_image and not any(change.cell(place) for place in self._tells_variant)

    def _all_images(self, changes: Sequence[_Change], group: _Group) -> tuple[str, ...] | None:
        """The images of the product; too many are told where the first of these stands."""
        found: list[tuple[float, int, str]] = []
        is_given = False
        for number, change in enumerate(changes):
            images = [cell for place in self._images if (cell := change.cell(place)) is not None]
            is_given = is_given or bool(images)
            if any(images):
                position = self._position_of(change)
                found += [(position, number, image) for image in images if image]
        ordered = [(image, number) for _, number, image in sorted(found, key=lambda one: one[:2])]
        for number, change in enumerate(changes):
            for place in self._variant_images:
                cell = change.cell(place)
                is_given = is_given or cell is not None
                if cell:
                    ordered.append((cell, number))
        holders: dict[str, int] = {}
        for image, number in ordered:
            holders.setdefault(image, number)
        if len(holders) > MOST_IMAGES:
            holder = changes[list(holders.values())[MOST_IMAGES]]
            place = next(iter((*self._images, *self._variant_images)))
            holder.wrong(
                place, f"{len(holders)} images of product {quoted(group.handle)}, of {MOST_IMAGES} that can be"
            )
        return tuple(holders) if is_given else None

    def _position_of(self, change: _Change) -> float:
        """What an image is ordered by; one without a position stands behind those that have one."""
        cell = change.cell(self._position)
        if not cell:
            return math.inf
        if not _POSITION.fullmatch(cell):
            change.wrong(self._position, f"{quoted(cell)} is no whole number")
            return math.inf
        return int(cell)

    def _told(self, change: _Change, group: _Group, is_of_images: bool) -> Told:
        self._read_status(change)
        if (tags := change.cell(self._tags)) is not None:
            change.put(self._tags, cells.tags(tag for one in tags.split(",") if (tag := one.strip())))
        if is_of_images:
            for place in self._of_variant:
                change.put(place, "")
            return Told(Row(change.line, change.cells), change.errors, change.notices, is_of_images=True)
        says_something = any(change.cell(place) for place in self._of_variant)
        for place in self._codes:
            change.put(place, _code(change.cell(place) or ""))
        values = self._read_options(change, group)
        variant, new_variant = self._title_of(change, group, values)
        if change.cell(self._managed) is not None:
            if says_something:
                change.put(self._managed, "true" if change.cell(self._managed) else "false")
            else:
                new_variant["manage_inventory"] = False
        if policy := change.cell(self._backorder):
            if policy.lower() in _POLICIES:
                change.put(self._backorder, cells.text(_POLICIES[policy.lower()]))
            else:
                change.refuse(self._backorder, policy, _POLICIES)
        return Told(
            Row(change.line, change.cells), change.errors, change.notices, variant=variant, new_variant=new_variant
        )

    def _read_status(self, change: _Change) -> None:
        target = self._published if self._status is None else self._status
        published = True
        if cell := change.cell(self._published):
            known = _BOOLEANS.get(cell.lower())
            if known is None:
                change.wrong(self._published, f"{quoted(cell)} is none of {', '.join(_BOOLEANS)}")
            published = known is True
        if cell := change.cell(self._status):
            status = _STATUSES.get(cell.lower())
            if status is None:
                change.refuse(self._status, cell, _STATUSES)
                return
            if cell.lower() in _TOLD_STATUSES:
                change.notices.append(BECAME_DRAFT)
            change.put(target, status if published else DRAFT)
        elif change.cell(self._published) is not None:
            change.put(target, PUBLISHED if published else DRAFT)

    def _read_options(self, change: _Change, group: _Group) -> list[str]:
        """The values of a variant's options, with the names of these in its cells."""
        values, is_named, lacks = [], False, None
        for (name_place, value_place), shared in zip(self._options, group.names, strict=True):
            name, value = change.cell(name_place) or "", change.cell(value_place)
            if name and shared and name != shared:
                change.wrong(name_place, f"{quoted(name)} is called {quoted(shared)} in the first row of the product")
            name = name or shared
            if value and not name and not group.handle:
                # Without a handle nobody knows what the options are called, and that is told.
                value = ""
            if (name, value) == _NO_OPTION:
                name, value = "", ""
                is_named = True
                lacks = value_place if lacks is None else lacks
            elif name:
                is_named = True
                if not value and lacks is None:
                    lacks = value_place
            change.put(name_place, name)
            if value is not None:
                change.put(value_place, value)
            if value:
                values.append(value)
        if not is_named and not values:
            lacks = next((option.value for option in self._options if option.value is not None), None)
        if group.has_several and lacks is not None:
            why = f"a value is missing, and product {quoted(group.handle)} has more than one variant"
            change.wrong(lacks, why)
        return values

    def _title_of(
        self, change: _Change, group: _Group, values: Sequence[str]
    ) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
        """The title of a variant, and what is its title only if it is a new one."""
        title = _BETWEEN_VALUES.join(values) or group.title
        if not self._derives_title or not title:
            return {}, {}
        if values and len(title) > LONGEST_NAME:
            why = f"{len(title)} characters of all values together, of {LONGEST_NAME} that can be"
            change.wrong(next(option.value for option in self._options if option.value is not None), why)
            return {}, {}
        # A file without option values does not say which of a product's variants is called like the product.
        return ({"title": title}, {}) if self._has_values else ({}, {"title": title})


def _reading(columns: Columns) -> Reading:
    return _Rows(columns)


SHOPIFY = Dialect(
    name="shopify",
    shop="Shopify",
    signature=frozenset(
        {
            *("Handle", "Body (HTML)", "Vendor", "Option1 Name", "Option1 Value", "Variant Inventory Qty"),
            *("Variant Price", "Variant Compare At Price", "Variant Grams", "Image Src", "Image Position"),
            *("URL handle", "Option1 name", "Option1 value", "Published on online store", "Product image URL"),
            *("Continue selling when out of stock", "Weight value (grams)", "Compare-at price", "Image position"),
        }
    ),
    columns=_columns,
    missing=_missing,
    reading=_reading,
    sku=_code,
    titles=(*_TARGETS, *sorted(_PRICES | _PUBLISHED | _IGNORED)),
    needs_currency=True,
)
