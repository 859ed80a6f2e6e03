"""What the tallies' handler notes for a recount: which batch requests have changed, and into what.

As long as a recount goes on, its journal is open for the channel. Whatever is counted then is noted in the same
transaction, so that tallies and journal belong together at any moment. Each transaction holds only if the channel's
journal is still the one that it reckons with, so none goes by a journal that is being opened.

Why: docs/decisions.md#a-recount-reads-along
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from batchyard import clock
from batchyard.jsontext import dumps
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import EPHEMERA
from batchyard.store.unit import read_one

OPEN_SECONDS = 3600
"""How long a journal is written to at most, where a recount never came to its end."""

KEPT_SECONDS = 2 * OPEN_SECONDS
"""How long what is in a journal is kept, and what was read for its recount."""

# As many digits of a sequence number tell deliveries of an hour apart, and DynamoDB's numbers have room for them.
_DISTINCT = 10**15

Kind = tuple[str, str]
"""A type key and a status: what batch requests are counted by."""


class Journal(NamedTuple):
    """A journal at a moment.

    Attributes:
        name: What tells it from others.
        entries: How many deliveries were noted in it.
        recount: Which recount has it; the one that opened it has the journal's own name.
        until_s: Up to when it is written to, in seconds since the Unix epoch.
    """

    name: str
    entries: int
    recount: str
    until_s: int


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
    expires = clock.now_s() + OPEN_SECONDS
    return {**place(channel), "journal": journal, "recount": journal, "entries": 0, "expires": expires}


def now_open(channel: int) -> Journal | None:
    """The journal of a channel that is open, as it is now.

    Raises:
        Unavailable: The store did not answer.
    """
    found = read_one(EPHEMERA, place(channel))
    if found is None or int(found["expires"]) <= clock.now_s():
        return None
    name = str(found["journal"])
    return Journal(name, int(found["entries"]), str(found.get("recount", name)), int(found["expires"]))


def none_open(channel: int) -> dict[str, Any]:
    """The action of a transaction that holds only if no journal of a channel is open."""
    condition = "attribute_not_exists(journal) OR expires <= :now"
    return {"ConditionCheck": _on(channel, condition, {":now": clock.now_s()})}


def taking_over(channel: int, journal: str, recount: str) -> dict[str, Any]:
    """The action of a transaction that gives a journal to another recount, which holds only if it is still open.

    Args:
        recount: What tells that recount from others.
    """
    condition = "journal = :journal AND expires > :now"
    values: Item = {":journal": journal, ":now": clock.now_s(), ":recount": recount}
    return {"Update": {**_on(channel, condition, values), "UpdateExpression": "SET recount = :recount"}}


def still(channel: int, recount: str) -> dict[str, Any]:
    """The action of a transaction that holds only if this recount has the channel's journal."""
    return {"ConditionCheck": _on(channel, "recount = :recount", {":recount": recount})}


def _on(channel: int, condition: str, values: Item) -> dict[str, Any]:
    return {
        "TableName": EPHEMERA.name,
        "Key": items.encode(place(channel)),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": items.encode(values),
    }


def entry(
    journal: Journal, mark: str, channel: int, records: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The actions of a transaction that note a delivery, which hold only if the journal still is as it was.

    Args:
        journal: The journal as it was found.
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
    number = journal.entries + 1
    key: Item = {"id": f"recount#{journal.name}", "at": int(mark) % _DISTINCT}
    item: Item = {**key, "number": number, "noted": noted, "expires": clock.now_s() + KEPT_SECONDS}
    values: Item = {":journal": journal.name, ":before": journal.entries, ":number": number}
    counted = {
        **_on(channel, "journal = :journal AND entries = :before", values),
        "UpdateExpression": "SET entries = :number",
    }
    return {"Update": counted}, {"Put": {"TableName": EPHEMERA.name, "Item": items.encode(item)}}


def entries(journal: Journal) -> list[str] | None:
    """What was noted in a journal up to now, read consistently; None where not all of it can be seen yet.

    Args:
        journal: The journal as it was found. What has been noted since is left out.

    Raises:
        Unavailable: The store did not answer.
    """
    rows = query(
        {
            "TableName": EPHEMERA.name,
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": f"recount#{journal.name}"}},
            "ConsistentRead": True,
        }
    )
    noted = [str(row["noted"]) for row in rows if int(row["number"]) <= journal.entries]
    return noted if len(noted) == journal.entries else None


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
