"""Bodies of requests, checked against the model: what comes out has the names and values of rows.

What clients send of computed properties is passed over, and so are annotations. A name that the type does not have is
refused: it would be lost without a word.
"""

from collections.abc import Collection as Names
from collections.abc import Mapping
from math import isfinite
from typing import Any

from batchyard.echoes import echo
from batchyard.errors import Invalid, Malformed
from batchyard.odata.model import (
    BOOLEAN,
    DATE_TIME,
    NUMBERS,
    STRING,
    WHOLE_NUMBERS,
    Collection,
    ComplexType,
    EntityType,
    EnumType,
    Model,
    Property,
)
from batchyard.odata.query import literals
from batchyard.odata.query.syntax import Literal

MOST_ENTRIES = 1000
"""Entries of a list in a body."""

type Values = Mapping[str, Any]


def read(body: Any, shape: ComplexType, model: Model, nested: Names[str] = ()) -> Values:
    """What a body says of an entity, or of a complex value.

    Args:
        body: The body, parsed.
        shape: The type that it is of.
        model: Where the type is.
        nested: The navigation properties that may come along, with entities of their own.

    Raises:
        Malformed: It is no object.
        Invalid: A name is none of the type's, or a value is none of its property's.
    """
    if not isinstance(body, Mapping):
        raise Malformed("The body must be a JSON object.")
    found: dict[str, Any] = {}
    for name, value in body.items():
        if "@" in name:
            continue
        if isinstance(shape, EntityType) and name in shape.navigations:
            if name not in nested:
                raise Invalid({name: [f"{name} cannot be written along with {shape.name}."]})
            target = model.target(shape.navigations[name])
            found[name] = [read(one, target, model) for one in _list(name, value)]
            continue
        one = shape.properties.get(name)
        if one is None:
            raise Invalid({echo(name): [f'{shape.name} has no property "{echo(name)}".']})
        if not one.computed:
            found[name] = _value(one, value, model)
    return found


def required(values: Values, *names: str) -> None:
    """Raises `Invalid` for a body that lacks one of some properties, or has null there."""
    for name in names:
        if values.get(name) is None:
            raise Invalid({name: [f"{name} is required."]})


def _list(name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid({name: [f"{name} must be a list."]})
    if len(value) > MOST_ENTRIES:
        raise Invalid({name: [f"{name} has {len(value)} entries, of {MOST_ENTRIES} that it can have."]})
    return value


def _value(shown: Property, value: Any, model: Model) -> Any:
    kind = shown.type
    if isinstance(kind, Collection):
        inner = Property(shown.name, kind.of, nullable=False)
        return [_value(inner, one, model) for one in _list(shown.name, value)]
    if value is None:
        if not shown.nullable:
            raise Invalid({shown.name: [f"{shown.name} cannot be null."]})
        return None
    if isinstance(kind, ComplexType):
        if not isinstance(value, Mapping):
            raise Invalid({shown.name: [f"{shown.name} must be an object."]})
        return read(value, kind, model)
    read_value = _of_enum(kind, value) if isinstance(kind, EnumType) else _plain(kind, value)
    if read_value is None:
        named = kind.name if isinstance(kind, EnumType) else kind
        raise Invalid({shown.name: [f"{shown.name} must be of the type {named}."]})
    if shown.longest is not None and len(read_value) > shown.longest:
        message = f"{shown.name} has {len(read_value)} characters, of {shown.longest} that it can have."
        raise Invalid({shown.name: [message]})
    return read_value


def _of_enum(kind: EnumType, value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    found = literals.member(kind, Literal(value, STRING if isinstance(value, str) else "Edm.Int32"))
    return None if found is None else str(found.value)


def _plain(kind: str, value: Any) -> Any:
    """A value of a primitive type; None for one that is not of it."""
    if kind == STRING:
        return value if isinstance(value, str) and _is_text(value) else None
    if kind == BOOLEAN:
        return value if isinstance(value, bool) else None
    if kind == DATE_TIME:
        moment = literals.moment(value.strip()) if isinstance(value, str) else None
        return None if moment is None else moment.value
    if kind in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool) and _is_double(value):
        number = int(value) if value == int(value) else value
        bounds = WHOLE_NUMBERS.get(kind)
        if bounds is None or (isinstance(number, int) and bounds[0] <= number <= bounds[1]):
            return number
    return None


def _is_double(value: float) -> bool:
    """Whether a number, of however many digits, is within what a double has."""
    try:
        return isfinite(value)
    except OverflowError:
        return False


def _is_text(value: str) -> bool:
    if "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
