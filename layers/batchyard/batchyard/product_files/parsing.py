"""A row of a product file as typed values: what it gives, and what is the matter with its cells.

A cell that is missing changes nothing, an empty one clears. What is cleared is None, what cannot be is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from batchyard.catalogue.rules import (
    LARGEST_QUANTITY,
    LONGEST,
    LONGEST_NAME,
    LONGEST_URL,
    MOST_IMAGES,
    MOST_TAGS,
    PRODUCT_FIELDS,
    STATUSES,
    VARIANT_FIELDS,
    Price,
    Scalar,
)
from batchyard.product_files import cells, header
from batchyard.product_files.columns import PRODUCT_COLUMNS, VARIANT_COLUMNS, Column
from batchyard.product_files.dialects.dialect import Told
from batchyard.product_files.faults import INVALID, MOST_ERRORS, NOT_FOUND, RowError, parsing_failed, quoted
from batchyard.product_files.header import DELIMITERS, REQUIRED, SKU, Header
from batchyard.product_files.near_titles import Names
from batchyard.product_files.reading import Row

QUANTITY = "Variant Inventory Quantity"

SAID_OTHERWISE = "product_said_otherwise"
"""The kind of notice of a row that says of its product what the first row of that does not."""

DELIMITED_OTHERWISE = "row_delimited_otherwise"
"""The kind of notice of a row that is shorter than the header and has another delimiter in its first cell."""

LARGEST_AMOUNT = LARGEST_NUMBER = 2**53
"""What JSON carries exactly to everybody."""

_BOOLEANS = {"true": True, "false": False}
_STATUSES = Names(STATUSES)


def _fields(kind: type) -> frozenset[str]:
    return frozenset(name for fields in (PRODUCT_FIELDS, VARIANT_FIELDS) for name in fields if fields[name] is kind)


# A collection is read by itself, since it must be there.
_TEXTS = _fields(str) - {"collection"}
_FLAGS = _fields(bool)
_OTHERS = _FLAGS | _fields(float)


class Known(NamedTuple):
    """What products can refer to.

    Attributes:
        digits: The decimal places of a currency in lower case; None for what is no currency.
        regions: Currencies of regions, in lower case, by the names of these.
        collections: Handles of collections.
        sales_channels: Names of sales channels by their IDs.
    """

    digits: Callable[[str], int | None]
    regions: Mapping[str, str]
    collections: frozenset[str]
    sales_channels: Mapping[str, str]


@dataclass(slots=True)
class Given:
    """What a row gives.

    Args:
        line: Which data row it is, from 1.
        handle: The handle of its product.
        product_id: The ID of its product; None where it names none.
        variant_id: The ID of its variant; None where it names none.
        product: Plain values of the product; None clears one.
        status: The status of the product.
        tags: The tags of the product; None where the row says nothing of them, as in what follows.
        images: The images of the product.
        sales_channels: The IDs of the sales channels of the product.
        variant: Plain values of the variant; None clears one.
        new_variant: Plain values of the variant, if it is a new one.
        quantity: The inventory quantity of the variant.
        prices: The prices of the variant.
        options: The variant's values by the titles of its options; None for an option without one.
        option_columns: For how many options the row has cells.
        has_variant: It has a variant, option or price cell with something in it.
        is_of_images: It has images of its product, and is about no variant.
        notices: The kinds of what is worth telling of it.
        errors: What is the matter with it.
    """

    line: int
    handle: str = ""
    product_id: str | None = None
    variant_id: str | None = None
    product: dict[str, Scalar | None] = field(default_factory=dict)
    status: str | None = None
    tags: tuple[str, ...] | None = None
    images: tuple[str, ...] | None = None
    sales_channels: tuple[str, ...] | None = None
    variant: dict[str, Scalar | None] = field(default_factory=dict)
    new_variant: Mapping[str, Scalar | None] = field(default_factory=dict)
    quantity: int | None = None
    prices: tuple[Price, ...] | None = None
    options: Mapping[str, str | None] | None = None
    option_columns: int = 0
    has_variant: bool = False
    is_of_images: bool = False
    notices: Sequence[str] = ()
    errors: list[RowError] = field(default_factory=list)


class _Plain(NamedTuple):
    """Where a plain value stands.

    Attributes:
        place: Its column, from 0.
        name: What it is called in the model.
        title: What its column is called in the file.
    """

    place: int
    name: str
    title: str


class _PriceColumn(NamedTuple):
    """Where a price stands.

    Attributes:
        place: Its column, from 0.
        title: What its column is called in the file.
        currency: Its currency.
        region: Its region; None for everywhere.
        digits: The decimal places of the currency.
        error: Why no price can stand there; None if one can.
        suggestion: The region that may be meant.
    """

    place: int
    title: str
    currency: str
    region: str | None
    digits: int
    error: str | None
    suggestion: str | None


class Parser:
    """Reads the rows of one file.

    Args:
        header: The header of the file.
        known: What products can refer to.
        escape_formulas: An apostrophe before what a spreadsheet takes for a formula is taken away.
        quantities: Inventory quantities are read.
    """

    def __init__(self, header: Header, known: Known, *, escape_formulas: bool = False, quantities: bool = True) -> None:
        self._header, self._known, self._escaped = header, known, escape_formulas
        self._reading = header.reading
        self._width = len(header.titles)
        self._other_delimiters = [sign for sign in DELIMITERS if sign != header.delimiter]
        self._read = [place for place, target in enumerate(header.targets) if target is not None]
        # No header is without it.
        self._handle = header.targets.index(REQUIRED)
        self._sku = header.place(SKU)
        self._product_id = header.place("Product Id")
        self._variant_id = header.place("Variant Id")
        self._status = header.place("Product Status")
        self._tags = header.place("Product Tags")
        self._collection = header.place("Product Collection Handle")
        self._quantity = header.place(QUANTITY) if quantities else None
        self._derives_thumbnail = header.place("Product Thumbnail") is None
        self._product_texts = self._plain(PRODUCT_COLUMNS, _TEXTS)
        self._variant_texts = self._plain(VARIANT_COLUMNS, _TEXTS)
        self._product_others = self._plain(PRODUCT_COLUMNS, _OTHERS)
        self._variant_others = self._plain(VARIANT_COLUMNS, _OTHERS)
        self._prices = list(self._price_columns())
        self._options = self._parts("Option")
        # Of two channels of one name the first is meant.
        self._channel_ids = {name: id for id, name in reversed(list(known.sales_channels.items()))}
        self._channel_names, self._collections = Names(self._channel_ids), Names(known.collections)
        self._images = [parts["Url"] for parts in self._parts("Image")]
        self._channels = [parts for parts in self._parts("Sales Channel") if parts.keys() & {"Id", "Name"}]
        # Of a variant, its options and its prices is what stands in these.
        self._of_variant = [
            place
            for place, target in enumerate(header.targets)
            if target is not None
            and target.startswith(("Variant ", "Option ", "Price "))
            and (quantities or target != QUANTITY)
        ]

    def handle(self, row: Row) -> str:
        """The handle of a row's product; empty where it has none."""
        return self._cell(row, self._handle)

    def sku(self, row: Row) -> str:
        """The SKU of a row's variant; empty where it has none."""
        return self._header.sku(self._cell(row, self._sku))

    def product_id(self, row: Row) -> str:
        """The ID of a row's product; empty where it names none."""
        return self._cell(row, self._product_id)

    def told(self, rows: Iterable[Row]) -> Iterable[Told]:
        """What the rows of one handle say, in the order of their lines."""
        if self._escaped:
            rows = (Row(row.line, [cells.unescaped(cell) if cell else cell for cell in row.cells]) for row in rows)
        return map(Told, rows) if self._reading is None else self._reading(list(rows))

    def parse(self, told: Told, first: Given | None = None) -> Given:
        """What a row gives.

        Args:
            told: What it says.
            first: What the first row of its product gives; None for that row. What others say of the product is checked
                and left out, and that is told where they say something else.
        """
        given = Given(told.row.line)
        if self._is_header(told.row):
            given.handle = self.handle(told.row)[:LONGEST_NAME]
            given.errors.append(parsing_failed("The header comes again", given.line))
            return given
        found: list[str | None] = [*told.row.cells]
        is_delimited_otherwise = False
        if len(found) < self._width:
            found += [None] * (self._width - len(found))
            is_delimited_otherwise = any(sign in told.row.cells[0] for sign in self._other_delimiters)
        elif any(found[self._width :]):
            why = f"{len(found)} cells found for {self._width} columns"
            given.errors.append(parsing_failed(why, given.line))
        self._identify(given, found)
        self._texts(given, given.product, self._product_texts, found)
        self._texts(given, given.variant, self._variant_texts, found)
        self._others(given, given.product, self._product_others, found)
        self._others(given, given.variant, self._variant_others, found)
        self._of_product(given, found)
        self._read_quantity(given, found)
        self._read_prices(given, found)
        self._read_options(given, found)
        given.has_variant = any(found[place] for place in self._of_variant)
        self._take_over(given, told)
        if is_delimited_otherwise:
            given.notices = [*given.notices, DELIMITED_OTHERWISE]
        if first is not None:
            if _says_something_else(given, first, is_ours=self._reading is None):
                given.notices = [*given.notices, SAID_OTHERWISE]
            given.product = {}
            given.status = given.tags = given.images = given.sales_channels = None
        del given.errors[MOST_ERRORS:]
        return given

    def _is_header(self, row: Row) -> bool:
        """Whether a row is the header of another file, which was put behind the first one, mark and all."""
        titles = self._header.titles
        return len(row.cells) >= self._width and all(
            row.cells[place].removeprefix("\ufeff") == titles[place] for place in self._read
        )

    def _take_over(self, given: Given, told: Told) -> None:
        """Takes over what a row says outside of its cells."""
        given.variant.update(told.variant)
        given.new_variant, given.is_of_images, given.notices = told.new_variant, told.is_of_images, told.notices
        given.errors[:0] = told.errors
        if told.images is not None:
            given.images = told.images
            if self._derives_thumbnail:
                given.product["thumbnail"] = next(iter(told.images), None)

    # What columns there are.

    def _plain(self, columns: Sequence[Column], names: frozenset[str]) -> list[_Plain]:
        """Those columns of plain values that the file has."""
        places = [(self._header.place(title), name) for title, name in columns if name in names]
        return [_Plain(place, name, self._header.titles[place]) for place, name in places if place is not None]

    def _parts(self, kind: str) -> list[dict[str, int]]:
        """The columns of options, images or sales channels, in the order of their numbers."""
        found: dict[int, dict[str, int]] = {}
        for place, target in enumerate(self._header.targets):
            part = None if target is None else header.numbered(target)
            if part is not None and part.kind == kind:
                found.setdefault(part.number, {})[part.part] = place
        return [found[number] for number in sorted(found)]

    def _price_columns(self) -> Iterator[_PriceColumn]:
        for place, target in enumerate(self._header.targets):
            price = None if target is None else header.price(target)
            if price is None:
                continue
            currency, region = price
            digits = self._known.digits(currency)
            error = suggestion = None
            if region is not None and region not in self._known.regions:
                suggestion = Names(self._known.regions).near(region)
                error = f"Trying to set a price for a region {region} that doesn't exist"
            elif digits is None:
                error = f"Trying to set a price in a currency {currency.upper()} that doesn't exist"
            elif region is not None and self._known.regions[region] != currency:
                own = self._known.regions[region].upper()
                error = f"Trying to set a price in {currency.upper()} for a region {region} that has {own}"
            yield _PriceColumn(place, self._header.titles[place], currency, region, digits or 0, error, suggestion)

    def _cell(self, row: Row, place: int | None) -> str:
        if place is None or place >= len(row.cells):
            return ""
        cell = row.cells[place]
        return cells.unescaped(cell) if self._escaped else cell

    # What stands in them.

    def _wrong(self, given: Given, place: int, why: str, code: str = INVALID, suggestion: str | None = None) -> None:
        given.errors.append(RowError(code, why, given.line, self._header.titles[place], suggestion))

    def _identify(self, given: Given, found: Sequence[str | None]) -> None:
        handle = found[self._handle] or ""
        given.handle = handle[:LONGEST_NAME]
        if not handle:
            why, title = f'No value found for target column "{REQUIRED}"', self._header.titles[self._handle]
            suggestion = "Each row needs the handle of its product" if any(found) else "The row is empty: remove it"
            given.errors.append(parsing_failed(why, given.line, title, suggestion))
        elif len(handle) > LONGEST_NAME:
            self._too_long(given, self._handle, handle, LONGEST_NAME)
        if self._product_id is not None:
            given.product_id = (found[self._product_id] or "")[:LONGEST_NAME] or None
        if self._variant_id is not None:
            given.variant_id = (found[self._variant_id] or "")[:LONGEST_NAME] or None

    def _too_long(self, given: Given, place: int, cell: str, longest: int) -> None:
        title = self._header.titles[place]
        self._wrong(given, place, f"{title}: {len(cell)} characters, of {longest} that can be")

    def _texts(
        self, given: Given, into: dict[str, Scalar | None], columns: Sequence[_Plain], found: Sequence[str | None]
    ) -> None:
        for place, name, _ in columns:
            cell = found[place]
            if cell is None:
                continue
            if len(cell) > LONGEST_NAME and len(cell) > LONGEST.get(name, LONGEST_NAME):
                self._too_long(given, place, cell, LONGEST.get(name, LONGEST_NAME))
            else:
                into[name] = cell or None

    def _others(
        self, given: Given, into: dict[str, Scalar | None], columns: Sequence[_Plain], found: Sequence[str | None]
    ) -> None:
        for place, name, title in columns:
            cell = found[place]
            if not cell:
                if cell is not None and name not in _FLAGS:
                    into[name] = None
            elif name in _FLAGS:
                flag = _BOOLEANS.get(cell.lower())
                if flag is None:
                    self._wrong(given, place, f"{title}: {quoted(cell)} is neither true nor false")
                else:
                    into[name] = flag
            else:
                number = cells.number_in(cell)
                if number is None or number > LARGEST_NUMBER:
                    why = "digits and a decimal point" if number is None else f"at most {LARGEST_NUMBER}"
                    self._wrong(given, place, f"{title}: {quoted(cell)} is no number ({why})")
                else:
                    into[name] = number

    def _of_product(self, given: Given, found: Sequence[str | None]) -> None:
        if self._status is not None and (cell := found[self._status]):
            if cell in STATUSES:
                given.status = cell
            else:
                title = self._header.titles[self._status]
                why = f"{title}: {quoted(cell)} is none of {', '.join(STATUSES)}"
                self._wrong(given, self._status, why, suggestion=_STATUSES.near(cell))
        if self._collection is not None and (cell := found[self._collection]) is not None:
            given.product["collection"] = cell or None
            if cell and cell not in self._known.collections:
                why = f"Product collection with handle: {quoted(cell)} was not found"
                self._wrong(given, self._collection, why, NOT_FOUND, self._collections.near(cell))
        if self._tags is not None and (cell := found[self._tags]) is not None:
            given.tags = self._read_tags(given, self._tags, cell)
        given.images = self._read_images(given, found)
        given.sales_channels = self._read_channels(given, found)

    def _read_tags(self, given: Given, place: int, cell: str) -> tuple[str, ...]:
        title = self._header.titles[place]
        tags = cells.tags_in(cell)
        if tags is None:
            self._wrong(given, place, f"{title}: {quoted(cell)} is no list: text follows a closing quote")
            return ()
        if len(tags) > MOST_TAGS:
            self._wrong(given, place, f"{title}: {len(tags)} tags, of {MOST_TAGS} that can be")
        for tag in tags:
            if len(tag) > LONGEST_NAME:
                self._too_long(given, place, tag, LONGEST_NAME)
        return tags

    def _read_images(self, given: Given, found: Sequence[str | None]) -> tuple[str, ...] | None:
        images = [(place, cell) for place in self._images if (cell := found[place]) is not None]
        if not images:
            return None
        filled = [(place, cell) for place, cell in images if cell]
        if len(filled) > MOST_IMAGES:
            self._wrong(given, filled[MOST_IMAGES][0], f"{len(filled)} images, of {MOST_IMAGES} that can be")
        for place, cell in filled:
            if len(cell) > LONGEST_URL:
                self._too_long(given, place, cell, LONGEST_URL)
        return tuple(cell for _, cell in filled)

    def _read_channels(self, given: Given, found: Sequence[str | None]) -> tuple[str, ...] | None:
        channels: dict[str, None] = {}
        is_given = False
        for parts in self._channels:
            id, name = (None if parts.get(part) is None else found[parts[part]] for part in ("Id", "Name"))
            is_given = is_given or id is not None or name is not None
            channel = id if id in self._known.sales_channels else self._channel_ids.get(name) if name else None
            if channel is not None:
                channels[channel] = None
            elif id:
                self._wrong(given, parts["Id"], f"Sales channel with id: {quoted(id)} was not found", NOT_FOUND)
            elif name:
                why = f"Sales channel with name: {quoted(name)} was not found"
                self._wrong(given, parts["Name"], why, NOT_FOUND, self._channel_names.near(name))
        return tuple(channels) if is_given else None

    def _read_quantity(self, given: Given, found: Sequence[str | None]) -> None:
        if self._quantity is None or not (cell := found[self._quantity]):
            return
        # What has more digits is none, and would cost time to read.
        if cell.isascii() and cell.isdigit() and len(cell) <= LONGEST_NAME and int(cell) <= LARGEST_QUANTITY:
            given.quantity = int(cell)
        else:
            title = self._header.titles[self._quantity]
            self._wrong(
                given, self._quantity, f"{title}: {quoted(cell)} is no whole number from 0 to {LARGEST_QUANTITY}"
            )

    def _read_prices(self, given: Given, found: Sequence[str | None]) -> None:
        prices = []
        is_given = False
        for column in self._prices:
            cell = found[column.place]
            is_given = is_given or cell is not None
            if not cell:
                continue
            if column.error is not None:
                self._wrong(given, column.place, column.error, NOT_FOUND, column.suggestion)
                continue
            amount = cells.amount_in(cell, column.digits)
            if amount is not None and amount <= LARGEST_AMOUNT:
                prices.append(Price(column.currency, amount, column.region))
            else:
                if amount is not None:
                    why = f"at most {cells.amount(LARGEST_AMOUNT, column.digits)}"
                elif column.digits:
                    why = f"a decimal point and at most {column.digits} digits behind it"
                else:
                    why = "no decimals"
                message = f"{column.title}: {quoted(cell)} is no amount of {column.currency.upper()} ({why})"
                self._wrong(given, column.place, message)
        if is_given:
            given.prices = tuple(sorted(prices, key=_price_order))

    def _read_options(self, given: Given, found: Sequence[str | None]) -> None:
        options: dict[str, str | None] = {}
        is_given = False
        for parts in self._options:
            name, value = (found[parts[part]] if part in parts else None for part in ("Name", "Value"))
            if name is None and value is None:
                continue
            is_given = True
            given.option_columns += 1
            long = [part for part in parts if len(found[parts[part]] or "") > LONGEST_NAME]
            if long:
                for part in long:
                    self._too_long(given, parts[part], found[parts[part]] or "", LONGEST_NAME)
            elif name in options:
                self._wrong(given, parts["Name"], f"Option {quoted(name or '')} is given twice")
            elif name:
                options[name] = value or None
            elif value:
                self._wrong(given, parts["Value"], f"Option value {quoted(value)} has no option name")
        if is_given:
            given.options = options


def _says_something_else(given: Given, first: Given, *, is_ours: bool) -> bool:
    """Whether a row says of its product what the first row of that does not; what is empty says nothing.

    Args:
        is_ours: The file is in our own form: in a dialect each row may have images, and a status by being there.
    """
    if given.product != first.product and any(
        value is not None and value != first.product.get(name) for name, value in given.product.items()
    ):
        return True
    return any(
        value and value != other
        for value, other in (
            (given.tags, first.tags),
            *([(given.status, first.status), (given.images, first.images)] if is_ours else ()),
            (given.sales_channels, first.sales_channels),
        )
    )


def _price_order(price: Price) -> tuple[str, bool, str]:
    return price.currency, price.region is not None, price.region or ""
