"""Events published from a table's change stream: put on the bus, for each change that matters.

A delivery may repeat: an event's `change` tells repeats apart. It is the sequence number of the record that it tells
of; of a second event of the same record, that number with `.1` behind it.
"""

import json
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple

from batchyard import threads
from batchyard.errors import Unavailable
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsResponseTypeDef

_AT_ONCE = 10

_LANES = 10
"""Calls side by side: as many as a delivery of a hundred changes of different things takes."""


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


class _Told(NamedTuple):
    """An event that is to be sent.

    Attributes:
        number: The sequence number of its change.
        name: That or, of a second event of the same change, one that no other event has.
        event: What it says.
    """

    number: str
    name: str
    event: Event


def publish(
    records: Sequence[Mapping[str, Any]],
    source: str,
    told: Callable[[RecordChange], Sequence[Event]],
    also: Callable[[Sequence[RecordChange]], None],
    subject: Callable[[RecordChange], Hashable],
) -> str | None:
    """Tells of changes; returns the sequence number of the first that failed, None if none did.

    What is told of one subject is told in its order, again from what was refused; subjects side by side.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
        source: Who tells of them.
        told: What is told of a change, in its order.
        also: What else some changes bring about; idempotent, since it may be repeated for any of them.
        subject: What a change is of.
    """
    changes = [_change(record) for record in records]
    subjects: dict[Hashable, list[_Told]] = {}
    for change in changes:
        if events := _named(change, told(change)):
            subjects.setdefault(subject(change), []).extend(events)
    # Of a client that is made here: threads would each make one of their own.
    put = clients.events().put_events
    ended = threads.each(lambda lane: _put(put, lane, source), _lanes(subjects.values()), _LANES)
    failed = min((number for number in ended if number is not None), key=int, default=None)
    try:
        also([change for change in changes if failed is None or int(change.number) < int(failed)])
    except Unavailable:
        return changes[0].number
    return failed


def _lanes(subjects: Iterable[Sequence[_Told]]) -> list[list[_Told]]:
    """Events in as few calls as can be that need not wait for each other: a subject is in one lane."""
    lanes: list[list[_Told]] = []
    for events in subjects:
        if not lanes or len(lanes[-1]) + len(events) > _AT_ONCE:
            lanes.append([])
        lanes[-1] += events
    return lanes


def _change(record: Mapping[str, Any]) -> RecordChange:
    change = record["dynamodb"]
    return RecordChange(change["SequenceNumber"], *(_item(change.get(name)) for name in ("OldImage", "NewImage")))


def _item(image: Mapping[str, Any] | None) -> Item | None:
    """An image without its binary attributes: they are large, base64 here, and nothing is told of them."""
    return items.decode({name: value for name, value in image.items() if "B" not in value}) if image else None


def _named(change: RecordChange, told: Sequence[Event]) -> list[_Told]:
    number = change.number
    return [_Told(number, f"{number}.{position}" if position else number, event) for position, event in enumerate(told)]


def _put(put: Callable[..., "PutEventsResponseTypeDef"], told: Sequence[_Told], source: str) -> str | None:
    """Sends events; returns the number of the first change of which one was refused."""
    for some in batched(told, _AT_ONCE, strict=False):
        entries: list[Any] = [
            {
                "EventBusName": os.environ["EVENT_BUS"],
                "Source": source,
                "DetailType": one.event.kind,
                "Time": datetime.fromtimestamp(one.event.moment_us / 1_000_000, UTC),
                "Detail": json.dumps({**one.event.detail, "change": one.name}, ensure_ascii=False),
            }
            for one in some
        ]
        try:
            with reaching_aws():
                answer = put(Entries=entries)
        except Unavailable:
            return some[0].number
        for one, result in zip(some, answer["Entries"], strict=True):
            if "ErrorCode" in result:
                return one.number
    return None
