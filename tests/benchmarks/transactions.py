"""The write units of a transaction: DynamoDB Local counts one item of each table, DynamoDB all of them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from tools.template import resources

type Image = Mapping[str, Mapping[str, Any]]
"""An item as it travels; empty where none is."""

type Place = tuple[str, tuple[str, ...]]
"""A table, and a key in it."""

_KB = 1024


def keys(actions: Sequence[Mapping[str, Any]]) -> dict[Place, Image]:
    """The keys that the actions of a transaction are about, in its order."""
    found: dict[Place, Image] = {}
    for one in actions:
        [action] = one.values()
        given = action.get("Key") or action["Item"]
        key = {name: given[name] for name in _key_names(_schema(action["TableName"]))}
        found[place_of(action["TableName"], key)] = key
    return found


def place_of(table: str, item: Image) -> Place:
    """Where an item is."""
    names = _key_names(_schema(table))
    return table, tuple(str(value) for name in names for value in item[name].values())


def units(before: Mapping[Place, Image], after: Mapping[Place, Image], places: Sequence[Place]) -> int:
    """Two for each kB of each item as it was or is, whichever is larger, and the same for each entry of an index.

    DynamoDB Local counts an item of a transaction so, where it is the only one of its table.
    """
    return sum(_units(table, before.get((table, key), {}), after.get((table, key), {})) for table, key in places)


def _units(table: str, old: Image, new: Image) -> int:
    schema = _schema(table)
    found = max(_kilobytes(old), _kilobytes(new), 1)
    for index in schema.get("GlobalSecondaryIndexes", ()):
        was, now = _entry(schema, index, old), _entry(schema, index, new)
        if was == now:
            continue
        moved = [{name: one.get(name) for name in _key_names(index)} for one in (was, now)]
        both = _kilobytes(was), _kilobytes(now)
        found += max(both) if moved[0] == moved[1] else sum(both)
    return 2 * found


def _entry(schema: Mapping[str, Any], index: Mapping[str, Any], item: Image) -> Image:
    """What an index holds of an item; nothing unless the item has all of its key."""
    own = _key_names(index)
    if not all(name in item for name in own):
        return {}
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    shown = {*own, *_key_names(schema), *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}


def _schema(table: str) -> dict[str, Any]:
    """A table as the template has it, by the name that it has here: `benchmark-ChannelsTable`."""
    return resources("AWS::DynamoDB::Table")[table.rpartition("-")[2]]


def _key_names(schema: Mapping[str, Any]) -> list[str]:
    return [part["AttributeName"] for part in schema["KeySchema"]]


def _kilobytes(item: Image) -> int:
    return -(-sum(len(name.encode()) + _size(value) for name, value in item.items()) // _KB)


def _size(typed: Mapping[str, Any]) -> int:
    [(kind, value)] = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return (len(value.lstrip("-").replace(".", "")) + 1) // 2 + 1
        case "B":
            return len(b64decode(value))
        case "SS" | "NS" | "BS":
            return sum(_size({kind[0]: one}) for one in value)
        case "L":
            return 3 + sum(1 + _size(one) for one in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(one) for name, one in value.items())
        case _:
            return 1
