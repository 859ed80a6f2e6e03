"""What a product may be: how long its values, how many its parts, and what must differ. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from batchyard.catalogue import currencies, rules
from batchyard.catalogue.rules import Own, Product, Scalar, Variant
from batchyard.errors import Invalid

LARGEST_NUMBER = 2**53
"""Of whatever is no piece and no date: all integers up to it are doubles, too."""

EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Dates have years from 1 to 9999, in microseconds since the Unix epoch: clients send both ends for none."""

_KINDS: Mapping[type, str] = {str: "text", float: "a number from 0", int: "a whole number", bool: "true or false"}


def check(product: Product) -> None:
    """Raises `Invalid` for a product that cannot be, with all that is wrong by the names of its parts."""
    _must_have_none(_problems(product))


def check_own(own: Own) -> None:
    """Raises `Invalid` for what an entity cannot store, with all that is wrong by the names of its parts.

    Whether components are there is not looked at.
    """
    _must_have_none(_problems_of_own(own))


def is_name(text: str) -> bool:
    """Whether something may be called so: a handle, a SKU, an attribute, a label."""
    return bool(text) and not any(_text("name", text))


def _must_have_none(problems: Iterable[tuple[str, str]]) -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for name, message in problems:
        if message not in found[name]:
            found[name].append(message)
    if found:
        raise Invalid(found)


def _problems(product: Product) -> Iterator[tuple[str, str]]:
    yield from _text("handle", product.handle)
    if not product.handle:
        yield "handle", "A product has a handle."
    if product.status not in rules.STATUSES:
        yield "status", f"A status is one of {', '.join(rules.STATUSES)}."
    yield from _fields(product.fields, rules.PRODUCT_FIELDS)
    yield from _list("tags", product.tags, rules.MOST_TAGS)
    yield from _list("images", product.images, rules.MOST_IMAGES, rules.LONGEST_URL)
    yield from _list("options", product.options)
    yield from _list("sales_channels", product.sales_channels)
    if _repeats(product.options):
        yield "options", "Two options have the same title."
    if len(product.variants) > rules.MOST_VARIANTS:
        yield "variants", f"There are {len(product.variants)} variants, of {rules.MOST_VARIANTS} that can be."
    for variant in product.variants:
        yield from _variant(variant, len(product.options))
    if _repeats(product.skus):
        yield "sku", "Two variants have the same SKU."
    if product.options and _repeats(variant.options for variant in product.variants):
        yield "options", "Two variants have the same values of all options."


def _variant(variant: Variant, options: int) -> Iterator[tuple[str, str]]:
    yield from _fields(variant.fields, rules.VARIANT_FIELDS)
    if variant.sku == "":
        yield "sku", "A SKU has a character at least."
    if len(variant.options) != options:
        yield "options", f"A variant has {len(variant.options)} option values, of {options}."
    yield from _list("options", [value for value in variant.options if value is not None])
    for price in variant.prices:
        if currencies.digits(price.currency) is None or not price.currency.islower():
            yield "prices", f"{price.currency} is no currency of ISO 4217 in lower case."
        if not 0 <= price.amount <= LARGEST_NUMBER:
            yield "prices", f"An amount is from 0 to {LARGEST_NUMBER}."
    if _repeats((price.currency, price.region) for price in variant.prices):
        yield "prices", "Two prices have the same currency and region."


def _problems_of_own(own: Own) -> Iterator[tuple[str, str]]:
    for name, value in own.fields.items():
        kind = rules.ENTITY_FIELDS.get(name)
        if kind is None:
            yield name, "There is no such value."
        elif not (_is_number(value) if kind is float else type(value) is kind):
            yield name, f"It is {'a number' if kind is float else _KINDS[kind]}."
        elif isinstance(value, str):
            yield from _text(name, value, rules.LONGEST_DESCRIPTION)
        elif name in rules.ENTITY_MOMENTS:
            if not EARLIEST <= value <= LATEST:
                yield name, "It is a date of the years from 1 to 9999."
        elif abs(value) > LARGEST_NUMBER:
            yield name, f"It is from -{LARGEST_NUMBER} to {LARGEST_NUMBER}."
    yield from _list("attributes", own.attributes, rules.MOST_ATTRIBUTES)
    for value in own.attributes.values():
        yield from _text("attributes", value, rules.LONGEST_DESCRIPTION)
    yield from _list("labels", own.labels, rules.MOST_LABELS)
    yield from _list("placements", own.placements, rules.MOST_PLACEMENTS)
    yield from _list("placements", own.placements.values(), longest=rules.LONGEST_URL)
    if "" in (*own.attributes, *own.labels, *own.placements):
        yield "name", "A name has a character at least."
    if len(own.components) > rules.MOST_COMPONENTS:
        yield "components", f"There are {len(own.components)} components, of {rules.MOST_COMPONENTS} that can be."
    if any(not 1 <= pieces <= rules.LARGEST_QUANTITY for pieces in own.components.values()):
        yield "components", f"Of a component there are 1 to {rules.LARGEST_QUANTITY} pieces."


def _fields(fields: Mapping[str, Scalar], kinds: Mapping[str, type]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        kind = kinds.get(name)
        if kind is None:
            yield name, "There is no such value."
        elif not _is_of(kind, value):
            yield name, f"It is {_KINDS[kind]}."
        elif isinstance(value, str):
            yield from _text(name, value, rules.LONGEST.get(name, rules.LONGEST_NAME))


def _is_of(kind: type, value: Scalar) -> bool:
    if kind is not float:
        return type(value) is kind
    return _is_number(value) and 0 <= value <= LARGEST_NUMBER  # type: ignore[operator]


def _is_number(value: Scalar) -> bool:
    return type(value) in {int, float} and math.isfinite(value)  # type: ignore[arg-type]


def _list(
    name: str, texts: Iterable[str], most: int | None = None, longest: int = rules.LONGEST_NAME
) -> Iterator[tuple[str, str]]:
    given = list(texts)
    if most is not None and len(given) > most:
        yield name, f"There are {len(given)} {name}, of {most} that can be."
    for text in given:
        yield from _text(name, text, longest)


def _text(name: str, text: str, longest: int = rules.LONGEST_NAME) -> Iterator[tuple[str, str]]:
    if len(text) > longest:
        yield name, f"It has {len(text)} characters, of {longest} that can be."
    if "\0" in text or not _is_unicode(text):
        yield name, "It holds a character that is none."


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _repeats(values: Iterable[object]) -> bool:
    given = list(values)
    return len(set(given)) < len(given)
