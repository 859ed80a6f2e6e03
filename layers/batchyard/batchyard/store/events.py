"""What a table's change stream is told to the world: events on the bus, for each change that matters.

A delivery may repeat: an event's `change` tells repeats apart. It is the sequence number of the record that it tells
of; of a second event of the same record, that number with `.1` behind it.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Any, NamedTuple

from batchyard.errors import Unavailable
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item

_AT_ONCE = 10


class RecordChange(NamedTuple):
    """A change of an item.

    Args:
        number: The sequence number of its record.
        old: The item before, without its binary attributes; None where there was none.
        new: The item after it.
    """

    number: str
    old: Item | None
    new: Item | None


@dataclass(frozen=True, slots=True)
class Event:
    """What is told of a change.

    Args:
        kind: Its `detail-type`.
        moment_us: When it happened.
        detail: The facts, as JSON takes them; the change's number comes to them.
    """

    kind: str
    moment_us: int
    detail: Mapping[str, Any]


_Told = tuple[str, str, Event]


def publish(
    records: Sequence[Mapping[str, Any]],
    source: str,
    told: Callable[[RecordChange], Sequence[Event]],
    also: Callable[[Sequence[RecordChange]], None],
) -> str | None:
    """Tells of changes in their order; answers the sequence number of the first that failed, None if none did.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
        source: Who tells of them.
        told: What is told of a change, in its order.
        also: What else some changes bring about; idempotent, since it may be repeated for any of them.
    """
    for position in range(0, len(records), _AT_ONCE):
        changes = [_change(record) for record in records[position : position + _AT_ONCE]]
        try:
            failed = _put([one for change in changes for one in _named(change, told(change))], source)
            also(changes)
        except Unavailable:
            return changes[0].number
        if failed is not None:
            return failed
    return None


def _change(record: Mapping[str, Any]) -> RecordChange:
    change = record["dynamodb"]
    return RecordChange(change["SequenceNumber"], *(_item(change.get(name)) for name in ("OldImage", "NewImage")))


def _item(image: Mapping[str, Any] | None) -> Item | None:
    """An image without its binary attributes: they are large, base64 here, and nothing is told of them."""
    return items.decode({name: value for name, value in image.items() if "B" not in value}) if image else None


def _named(change: RecordChange, told: Sequence[Event]) -> list[_Told]:
    """Events of a change with its number, and with a name that no other event has."""
    number = change.number
    return [(number, f"{number}.{position}" if position else number, event) for position, event in enumerate(told)]


def _put(told: Sequence[_Told], source: str) -> str | None:
    """Sends events; answers the number of the first change of which one was refused."""
    for some in batched(told, _AT_ONCE, strict=False):
        entries: list[Any] = [
            {
                "EventBusName": os.environ["EVENT_BUS"],
                "Source": source,
                "DetailType": event.kind,
                "Time": datetime.fromtimestamp(event.moment_us / 1_000_000, UTC),
                "Detail": json.dumps({**event.detail, "change": name}, ensure_ascii=False),
            }
            for _, name, event in some
        ]
        with reaching_aws():
            answer = clients.events().put_events(Entries=entries)
        for (number, _, _), result in zip(some, answer["Entries"], strict=True):
            if "ErrorCode" in result:
                return number
    return None
