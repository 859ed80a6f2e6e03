"""Channels as items: a few hundred in one partition, in order of their primary keys."""

from collections.abc import Iterator, Mapping

from batchyard.channels.rules import Channel
from batchyard.errors import NotFound
from batchyard.store import items
from batchyard.store.items import Item, Key, Value
from batchyard.store.queries import query
from batchyard.store.tables import CHANNELS, Table
from batchyard.store.unit import Unit

_PARTITION = "channels"
_COUNTER: Key = {"yard": "counters", "pk": 0}


def reads(parameters: Mapping[str, str]) -> list[tuple[Table, Key]]:
    """What the store is asked for a channel, by the parameters of a path in it."""
    given = parameters["channel_id"]
    return [(CHANNELS, _key_of(int(given)))] if items.is_number(given) else []


def find(unit: Unit, pk: int) -> Channel:
    """A channel.

    Raises:
        NotFound: There is none with this primary key.
    """
    item = unit.get(CHANNELS, _key_of(pk))
    if item is None:
        raise NotFound
    return _decode(item)


def exists(unit: Unit, pk: int) -> bool:
    """Whether there is a channel with this primary key."""
    return unit.get(CHANNELS, _key_of(pk)) is not None


def put(unit: Unit, channel: Channel) -> None:
    """Stages a channel that `find` found, or that is new."""
    unit.put(CHANNELS, _encode(channel))


def delete(unit: Unit, channel: Channel) -> None:
    """Stages the removal of a channel that `find` found."""
    unit.delete(CHANNELS, _key_of(channel.pk))


def next_pk(unit: Unit) -> int:
    """Stages the use of the next free primary key, and returns it."""
    counter = unit.get(CHANNELS, _COUNTER) or {**_COUNTER, "last": 0}
    pk = int(counter["last"]) + 1
    while exists(unit, pk):
        pk += 1
    unit.put(CHANNELS, {**counter, "last": pk})
    return pk


def every() -> Iterator[Channel]:
    """All channels, in order of their primary keys."""
    request = {
        "TableName": CHANNELS.name,
        "KeyConditionExpression": "yard = :yard",
        "ExpressionAttributeValues": {":yard": {"S": _PARTITION}},
        "ConsistentRead": True,
    }
    return map(_decode, query(request))


def _key_of(pk: int) -> Key:
    return {"yard": _PARTITION, "pk": pk}


def _encode(channel: Channel) -> Item:
    attributes: dict[str, Value | None] = {
        "yard": _PARTITION,
        "pk": channel.pk,
        "name": channel.name,
        "is_active": channel.is_active,
        "stale_after": channel.stale_after,
        "made": channel.made or None,
    }
    return items.present(attributes)


def _decode(item: Item) -> Channel:
    return Channel(
        pk=int(item["pk"]),
        name=str(item["name"]),
        is_active=bool(item["is_active"]),
        stale_after=items.number(item, "stale_after"),
        made=items.number(item, "made") or 0,
    )
