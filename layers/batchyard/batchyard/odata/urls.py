"""OData's URLs: entity sets, their keys, and what follows (OData 4.01 part 2, 4).

`Products(1)/Attributes('Color')` is two segments; keys come as `(1)`, `(ID=1)` or `(ProductID=1, Name='it''s')`.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID

from batchyard.echoes import echo
from batchyard.errors import Malformed

type Value = str | int | UUID

_STRING = r"'(?:[^']|'')*+'"
_SEGMENT = re.compile(rf"(\$?[A-Za-z_][\w.]*)(?:\(((?:[^')]|{_STRING})*+)\))?+(?:/+|\Z)")
_GUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# A GUID stands alone, and before OData 4 in `guid'…'`.
_LITERAL = rf"(?:guid'(?P<older>{_GUID})'|(?P<guid>{_GUID})|(?P<text>{_STRING})|(?P<number>-?[0-9]{{1,19}}))"
_COMPONENT = re.compile(rf"\s*+(?:(?P<name>\w+)\s*+=\s*+)?{_LITERAL}\s*+(?:,(?!\s*+\Z)|\Z)")

_FORM = "it has names, each with a key in brackets or without one, as Products(1)/Attributes"
_KEYS = "it has a whole number or a text in single quotes, or several of them as Name=value"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a URL.

    Args:
        name: An entity set, a property, an operation, or something with a dollar sign.
        key: The key's values by their names; the only value of a key without names is under the empty one.
    """

    name: str
    key: dict[str, Value] = field(default_factory=dict)

    def key_of(self, *names: str) -> tuple[Value, ...]:
        """The values of a key that has exactly these names; one value needs no name.

        Raises:
            Malformed: The key has others.
        """
        if len(names) == 1 and self.key.keys() == {""}:
            return (self.key[""],)
        if self.key.keys() != set(names):
            raise Malformed(f"The key of {self.name} is ({', '.join(names)}).")
        return tuple(self.key[name] for name in names)

    def __str__(self) -> str:
        components = [f"{name}={_literal(value)}" if name else _literal(value) for name, value in self.key.items()]
        return f"{self.name}({','.join(components)})" if components else self.name


def parse(path: str) -> list[Segment]:
    """The segments of a path below the service's root, as API Gateway has decoded it.

    Raises:
        Malformed: It is no path that OData has.
    """
    segments, position = [], 0
    while position < len(path):
        found = _SEGMENT.match(path, position)
        if found is None:
            raise Malformed(f'The URL cannot be read from "{echo(path[position:])}" on: {_FORM}.')
        segments.append(Segment(found[1], _key(found[2] or "")))
        position = found.end()
    return segments


def _key(text: str) -> dict[str, Value]:
    key: dict[str, Value] = {}
    position = 0
    while position < len(text):
        found = _COMPONENT.match(text, position)
        name = (found["name"] or "") if found else ""
        if found is None or name in key or (key and "" in {name, *key}):
            raise Malformed(f"({echo(text)}) is no key: {_KEYS}.")
        key[name] = _value(found)
        position = found.end()
    return key


def _value(found: re.Match[str]) -> Value:
    if found["text"] is not None:
        return found["text"][1:-1].replace("''", "'")
    return int(found["number"]) if found["number"] else UUID(found["guid"] or found["older"])


def _literal(value: Value) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
