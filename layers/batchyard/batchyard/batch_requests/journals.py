"""What the tallies' handler notes for a recount: which batch requests have changed, and into what.

As long as a recount goes on, its journal is open for the channel. Whatever is counted then is noted in the same
transaction, so that tallies and journal belong together at any moment. Each transaction holds only if the channel's
journal is still the one that it reckons with, so none goes by a journal that is being opened.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchyard import clock
from batchyard.jsontext import dumps
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import EPHEMERA
from batchyard.store.unit import read_one

OPEN_SECONDS = 3600
"""How long a journal is written to at most, where a recount never came to its end."""

# As many digits of a sequence number tell deliveries of an hour apart, and DynamoDB's numbers have room for them.
_DISTINCT = 10**15

Kind = tuple[str, str]
"""A type key and a status: what batch requests are counted by."""


@dataclass(slots=True)
class Touched:
    """What the deliveries of a journal have brought.

    Args:
        until: The latest change among them, in microseconds since the Unix epoch.
        kinds: What became of each batch request that they changed, by primary key; None for one that was removed.
    """

    until: int = 0
    kinds: dict[int, Kind | None] = field(default_factory=dict)


def place(channel: int) -> Key:
    """Where it is noted which journal of a channel is open."""
    return {"id": f"recounting#{channel}", "at": 0}


def opening(channel: int, journal: str) -> Item:
    """The item that opens a journal, in the place of any other one of the channel."""
    return {**place(channel), "journal": journal, "expires": clock.now_s() + OPEN_SECONDS}


def now_open(channel: int) -> str | None:
    """The journal of a channel that is open.

    Raises:
        Unavailable: The store did not answer.
    """
    found = read_one(EPHEMERA, place(channel))
    return None if found is None or int(found["expires"]) <= clock.now_s() else str(found["journal"])


def still(channel: int, journal: str | None) -> dict[str, Any]:
    """The action of a transaction that holds only if this journal of a channel is open; None for none."""
    condition, values = "attribute_not_exists(journal) OR expires <= :now", {":now": clock.now_s()}
    if journal is not None:
        condition, values = "journal = :journal", {":journal": journal}  # type: ignore[dict-item]
    return {
        "ConditionCheck": {
            "TableName": EPHEMERA.name,
            "Key": items.encode(place(channel)),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": items.encode(values),
        }
    }


def entry(journal: str, mark: str, channel: int, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The action of a transaction that notes a delivery.

    Args:
        journal: The journal.
        mark: The sequence number of the delivery's first record.
        channel: The journal's channel; records of others are left out.
        records: The delivery's records, in the stream's order.
    """
    kinds: list[Kind] = []
    last: dict[str, tuple[int, int | None]] = {}
    until = 0
    for record in records:
        change = record["dynamodb"]
        image = items.decode(change.get("NewImage") or change["OldImage"])
        if image["channel"] != channel:
            continue
        version, kind = int(image["version"]), None
        if change.get("NewImage"):
            until = max(until, int(image["modified"]))
            named = (str(image["type_key"]), str(image["status"]))
            if named not in kinds:
                kinds.append(named)
            kind = kinds.index(named)
        else:
            # Nothing comes after a removal: no primary key is used twice.
            version += 1
        last[str(image["pk"])] = (version, kind)
    noted = dumps({"until": until, "kinds": kinds, "last": last})
    key: Item = {"id": f"recount#{journal}", "at": int(mark) % _DISTINCT}
    item: Item = {**key, "noted": noted, "expires": clock.now_s() + 2 * OPEN_SECONDS}
    return {"Put": {"TableName": EPHEMERA.name, "Item": items.encode(item)}}


def entries(journal: str) -> dict[int, str]:
    """What was noted in a journal, by delivery, read consistently.

    Raises:
        Unavailable: The store did not answer.
    """
    rows = query(
        {
            "TableName": EPHEMERA.name,
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": f"recount#{journal}"}},
            "ConsistentRead": True,
        }
    )
    return {int(row["at"]): str(row["noted"]) for row in rows}


def touched(noted: Iterable[str]) -> Touched:
    """What the entries of a journal come to, whatever order they are in."""
    versions: dict[int, int] = {}
    found = Touched()
    for told in map(json.loads, noted):
        found.until = max(found.until, told["until"])
        for pk, (version, kind) in told["last"].items():
            if version > versions.get(int(pk), -1):
                versions[int(pk)] = version
                found.kinds[int(pk)] = None if kind is None else tuple(told["kinds"][kind])
    return found
