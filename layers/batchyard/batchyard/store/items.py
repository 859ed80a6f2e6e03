"""DynamoDB's attribute values and Python's, for the flat items that Batchyard stores.

botocore's own serializer walks any nesting and makes every number a `Decimal`; items here are flat and their numbers
are integers, so a dispatch on the type is all it takes.
"""

from collections.abc import Mapping
from typing import Any

Value = str | int | bytes | bool
Item = dict[str, Value]
Key = dict[str, str | int]

_LARGEST_NUMBER = 21
"""Bytes that DynamoDB counts for a number of 38 digits."""


def encode(item: Mapping[str, Value | None]) -> dict[str, Any]:
    """An item as DynamoDB wants it. Attributes that are None are left out: absence is how the store says null."""
    return {name: attribute(value) for name, value in item.items() if value is not None}


def attribute(value: Value) -> dict[str, Any]:
    """One value as DynamoDB wants it."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"B": value}


def is_number(text: str) -> bool:
    """Whether a text is a whole number that the store takes as a key."""
    return text.isascii() and text.isdigit() and len(text) < 20


def size(item: Mapping[str, Value | None]) -> int:
    """As how many bytes DynamoDB counts an item, at most. The names of attributes are ASCII here."""
    # One loop: this is asked of every item of every transaction.
    total = 0
    for name, value in item.items():
        if isinstance(value, str):
            total += len(name) + (len(value) if value.isascii() else len(value.encode()))
        elif isinstance(value, bytes):
            total += len(name) + len(value)
        elif value is not None:
            total += len(name) + _LARGEST_NUMBER
    return total


def decode(attributes: Mapping[str, Any]) -> Item:
    """An item as Python wants it."""
    item: Item = {}
    for name, typed in attributes.items():
        kind, value = next(iter(typed.items()))
        item[name] = int(value) if kind == "N" else bytes(value) if kind == "B" else value
    return item


def present(item: Mapping[str, Value | None]) -> Item:
    """The attributes that are there: None is how Python says that one is not."""
    return {name: value for name, value in item.items() if value is not None}


def text(item: Item, name: str) -> str | None:
    """An attribute that is a text; None where it is not there."""
    value = item.get(name)
    return None if value is None else str(value)


def number(item: Item, name: str) -> int | None:
    """An attribute that is a number; None where it is not there."""
    value = item.get(name)
    return None if value is None else int(value)
