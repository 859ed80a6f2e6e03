"""Bodies of requests, checked against the model: what comes out has the names and values of rows.

What clients send of computed properties is passed over, and so are annotations that describe. A name that the type does
not have is refused, and so is an annotation that would change relations: they would be lost without a word.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Collection as Names
from math import isfinite
from typing import Any

from batchyard.echoes import echo
from batchyard.errors import Invalid, Malformed
from batchyard.odata.model import (
    BOOLEAN,
    DATE_TIME,
    DECIMAL,
    INT64,
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

_TEXTS = (DECIMAL, INT64)
_NUMBER = re.compile(r"[+-]?+[0-9]{1,40}+(?:\.[0-9]{1,40}+)?+(?:[Ee][+-]?+[0-9]{1,3}+)?+")
_INSTRUCTIONS = frozenset({"bind", "delta", "removed"})

type Values = Mapping[str, Any]


def read(body: Any, shape: ComplexType, model: Model, nested: Names[str] = (), *, texts: bool = False) -> Values:
    """What a body says of an entity, or of a complex value.

    Args:
        body: The body, parsed.
        shape: The type that it is of.
        model: Where the type is.
        nested: The navigation properties that may come along, with entities of their own.
        texts: Numbers that not every reader of JSON can hold may be strings (`IEEE754Compatible=true`).

    Raises:
        Malformed: It is no object.
        Invalid: A name is none of the type's, or a value is none of its property's.
    """
    if not isinstance(body, Mapping):
        raise Malformed("The body must be a JSON object.")
    return _Reader(model, texts=texts).of(body, shape, nested)


def each[One, Made](name: str, entries: Iterable[One], act: Callable[[One], Made]) -> list[Made]:
    """What is made of the entries of a list.

    Raises:
        Invalid: One is wrong, which is told with its place: `Attributes[1].Name`.
    """
    made: list[Made] = []
    for position, one in enumerate(entries):
        try:
            made.append(act(one))
        except Invalid as error:
            place = f"{name}[{position}]"
            raise Invalid({f"{place}.{inner}": found for inner, found in error.fields.items()}) from None
    return made


def required(values: Values, *names: str) -> None:
    """Raises `Invalid` for a body that lacks one of some properties, or has null there."""
    for name in names:
        if values.get(name) is None:
            raise Invalid({name: [f"{name} is required."]})


class _Reader:
    """Reads the values of one body."""

    def __init__(self, model: Model, *, texts: bool) -> None:
        self._model = model
        self._texts = texts

    def of(self, body: Mapping[str, Any], shape: ComplexType, nested: Names[str] = ()) -> Values:
        """What an object says of what has a shape."""
        found: dict[str, Any] = {}
        for name, value in body.items():
            if "@" in name:
                _must_describe(name)
            elif isinstance(shape, EntityType) and name in shape.navigations:
                if name not in nested:
                    raise Invalid({name: [f"{name} cannot be written along with {shape.name}."]})
                found[name] = self._several(name, self._model.target(shape.navigations[name]), value)
            elif (one := shape.properties.get(name)) is None:
                raise Invalid({echo(name): [f'{shape.name} has no property "{echo(name)}".']})
            elif not one.computed:
                found[name] = self._value(one, value)
        return found

    def _several(self, name: str, shape: ComplexType, value: Any) -> list[Values]:
        entries = _list(name, value)
        for position, one in enumerate(entries):
            if not isinstance(one, Mapping):
                raise Invalid(
                    {name: [f"{name}[{position}] must be an object, not {'null' if one is None else 'that'}."]}
                )
        return each(name, entries, lambda one: self.of(one, shape))

    def _value(self, shown: Property, value: Any) -> Any:
        kind = shown.type
        if isinstance(kind, Collection):
            if isinstance(kind.of, ComplexType):
                return self._several(shown.name, kind.of, value)
            return [
                self._value(Property(f"{shown.name}[{position}]", kind.of, nullable=False), one)
                for position, one in enumerate(_list(shown.name, value))
            ]
        if value is None:
            if not shown.nullable:
                raise Invalid({shown.name: [f"{shown.name} cannot be null."]})
            return None
        if isinstance(kind, ComplexType):
            if not isinstance(value, Mapping):
                raise Invalid({shown.name: [f"{shown.name} must be an object."]})
            return self.of(value, kind)
        if self._texts and kind in _TEXTS and isinstance(value, str):
            value = _number(value)
        read_value = _of_enum(kind, value) if isinstance(kind, EnumType) else _plain(kind, value)
        if read_value is None:
            raise Invalid({shown.name: [f"{shown.name} must be of the type {_described(kind, value)}."]})
        if shown.longest is not None and len(read_value) > shown.longest:
            message = f"{shown.name} has {len(read_value)} characters, of {shown.longest} that it can have."
            raise Invalid({shown.name: [message]})
        return read_value


def _must_describe(annotation: str) -> None:
    """Raises `Invalid` for an annotation that is an instruction (OData JSON 4.01, 8.5, 13.5 and 15.3)."""
    if annotation.rpartition("@")[2].removeprefix("odata.") in _INSTRUCTIONS:
        message = f"{echo(annotation)} is not supported: what belongs to an entity is written by its own address."
        raise Invalid({echo(annotation): [message]})


def _list(name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid({name: [f"{name} must be a list."]})
    if len(value) > MOST_ENTRIES:
        raise Invalid({name: [f"{name} has {len(value)} entries, of {MOST_ENTRIES} that it can have."]})
    return value


def _described(kind: "str | EnumType", value: Any) -> str:
    """A type, with what helps whoever sent something else."""
    if isinstance(kind, EnumType):
        return f"{kind.name}: {', '.join(kind.members)}"
    if kind == DATE_TIME:
        return f"{kind}, as 2024-05-31T13:30:00Z"
    if kind in _TEXTS and isinstance(value, str):
        return f"{kind}; a string may hold it where the media type has IEEE754Compatible=true"
    return kind


def _number(text: str) -> Any:
    """The number that a string holds; the string itself where it holds none."""
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


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
