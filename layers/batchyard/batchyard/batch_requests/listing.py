"""Pages of a channel's batch requests, at the cost of what a page holds.

Every filter and ordering is read off an index in its own order; nothing is read to be dropped. The indexes hold keys
alone, and all have the partition (channel, status), so a status is a partition of its own:

- ordering by primary key or modification merges the partitions of the statuses that are asked for, six at most;
- ordering by status takes them one after the other;
- ordering by content type walks an index in which it is the first part of the sort key, or, where the rest of the
  ordering runs the other way, goes from one content type to the next in it.

The page's items are then read at once, consistently. Without a filter, in order of primary keys, the table itself is
that index.

Where a page ends is kept for a while, per caller and question: clients count `page` up and ignore the URL of the next
page, and so get it at the cost of one page too. A page asked for out of the blue is reached by counting keys from the
nearest one that is known.
"""

import hashlib
import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from batchyard import clock
from batchyard.batch_requests import repository, rules, tallies
from batchyard.batch_requests.rules import BatchRequest
from batchyard.errors import Invalid, NotFound
from batchyard.store import blobs, clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_REQUESTS, EPHEMERA
from batchyard.store.unit import Unit, read_many

_ORDERINGS = {
    "pk": "pk",
    # A primary key is its creation date.
    "created_date": "pk",
    "modified_date": "modified",
    "status": "status",
    "content_type": "type_key",
}
# Nothing is ordered after these: no two batch requests have the same primary key, nor, ties apart, the same moment.
_LAST = frozenset({"pk", "modified"})
_POSITION_KEPT_SECONDS = 900
_KEYS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """One column of an ordering."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, without the page.

    Args:
        channel: The channel's primary key.
        limit: Batch requests on a page.
        statuses: The statuses asked for; empty for all.
        content_type: The content type asked for; None for all.
        ordering: The columns to order by; the last one is unique.
    """

    channel: int
    limit: int
    statuses: tuple[str, ...] = ()
    content_type: str | None = None
    ordering: tuple[Order, ...] = (Order("pk"),)

    @property
    def partitions(self) -> tuple[str, ...]:
        """The statuses to look at, in their own order."""
        return tuple(sorted(self.statuses or rules.STATUSES))

    def digest(self, caller: str) -> str:
        """A short name for this question of this caller."""
        return hashlib.sha256(f"{caller}\n{self!r}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """A page's batch requests.

    Args:
        results: The batch requests.
        count: How many there are on all pages.
        has_next: There is a page after this one.
    """

    results: list[BatchRequest] = field(default_factory=list)
    count: int = 0
    has_next: bool = False


def question(
    channel: int,
    *,
    limit: int,
    statuses: Sequence[str] = (),
    content_type: str | None = None,
    ordering: str | None = None,
) -> Question:
    """What query parameters ask for.

    Raises:
        Invalid: A status is none.
    """
    wanted = [status for status in statuses if status]
    for status in wanted:
        if status not in rules.STATUSES:
            raise Invalid({"status": [f"Select a valid choice. {status} is not one of the available choices."]})
    return Question(
        channel=channel,
        statuses=tuple(sorted(set(wanted))),
        content_type=content_type or None,
        ordering=_ordering(ordering or ""),
        limit=limit,
    )


def page(asked: Question, number: int, caller: str) -> Page:
    """A page of what is asked for.

    Args:
        asked: The question.
        number: The page, from 1.
        caller: Whose walk through the pages this is.

    Raises:
        NotFound: There is no such page.
    """
    position = _start_of(asked, number, caller) if number > 1 else None
    rows = list(
        islice(_rows(asked, asked.ordering, asked.partitions, None, position, asked.limit + 1), asked.limit + 1)
    )
    has_next = len(rows) > asked.limit
    rows = rows[: asked.limit]
    if not rows and number > 1:
        raise NotFound("Invalid page.")
    if has_next:
        _keep(asked, caller, number + 1, _position(rows[-1]))
    results = [batch for batch in _whole(rows) if _still(asked, batch)]
    if number == 1 and not has_next:
        return Page(results, len(results))
    # How many come before this page is not known: since its beginning was kept, some may have been removed.
    counted = tallies.count(asked.channel, asked.statuses, asked.content_type)
    return Page(results, max(counted, len(rows) + has_next), has_next)


def has_any(unit: Unit, channel: int) -> bool:
    """Whether a unit will leave a channel with any batch request."""
    staged = {key["pk"]: item for key, item in unit.staged(BATCH_REQUESTS) if key["channel"] == channel}
    if any(item is not None for item in staged.values()):
        return True
    first = islice(_query(channel, None, None, ("pk",), False, None, len(staged) + 1), len(staged) + 1)
    return any(row["pk"] not in staged for row in first)


def unchanged_since(channel: int, status: str, moment: int) -> Iterator[int]:
    """Primary keys of a channel's batch requests in a status, last changed before a moment, oldest change first."""
    for row in _query(channel, status, None, ("modified",), False, None, _KEYS_AT_ONCE):
        if int(row["modified"]) >= moment:
            return
        yield int(row["pk"])


def _ordering(given: str) -> tuple[Order, ...]:
    chosen: list[Order] = []
    for name in (part.strip() for part in given.split(",")):
        column = _ORDERINGS.get(name.removeprefix("-"))
        if column is None or column in {order.column for order in chosen}:
            continue
        chosen.append(Order(column, name.startswith("-")))
        if column in _LAST:
            return tuple(chosen)
    # Ties are broken in the direction of the last column, in which an index can be read.
    return (*chosen, Order("pk", chosen[-1].descending if chosen else False))


def _whole(rows: list[Item]) -> list[BatchRequest]:
    """The batch requests of rows: what the table's own order gave is whole already."""
    if rows and "local_batch_id" not in rows[0]:
        # One that moves while its statuses are read one after the other is in two of them.
        keys = {row["pk"]: BATCH_REQUESTS.key_of(row) for row in rows}
        rows = read_many(BATCH_REQUESTS, keys.values())
    return [repository.decode(row, blobs.read) for row in rows]


def _still(asked: Question, batch: BatchRequest) -> bool:
    """Whether a batch request is still what was asked for: an index lags a moment behind the table."""
    if asked.statuses and batch.status not in asked.statuses:
        return False
    return asked.content_type is None or batch.content_type == asked.content_type


# Rows in order: each of these answers an iterator that reads no further than it is asked to.


def _rows(
    asked: Question,
    ordering: tuple[Order, ...],
    statuses: tuple[str, ...],
    type_key: str | None,
    after: Item | None,
    wanted: int,
    *,
    keys_only: bool = False,
) -> Iterator[Item]:
    first, rest = ordering[0], ordering[1:]
    if asked.content_type is not None:
        type_key = repository.type_key(asked.content_type)
    if first.column == "status":
        return _by_status(asked, ordering, statuses, type_key, after, wanted)
    if first.column == "type_key" and type_key is None:
        if len(rest) == 1 and rest[0] == Order("pk", first.descending):
            return _merged(asked, ("type_key", "pk"), first.descending, statuses, None, after, wanted)
        return _by_type(asked, ordering, statuses, after, wanted)
    if first.column == "type_key":
        return _rows(asked, rest, statuses, type_key, after, wanted)
    everything = not asked.statuses and type_key is None and len(statuses) == len(rules.STATUSES)
    if first.column == "pk" and everything and not keys_only:
        return _query(asked.channel, None, None, ("pk",), first.descending, after, wanted)
    return _merged(asked, (first.column,), first.descending, statuses, type_key, after, wanted)


def _by_status(
    asked: Question,
    ordering: tuple[Order, ...],
    statuses: tuple[str, ...],
    type_key: str | None,
    after: Item | None,
    wanted: int,
) -> Iterator[Item]:
    descending = ordering[0].descending
    for status in sorted(statuses, reverse=descending):
        if after is not None and status != after["status"]:
            continue
        yield from _rows(asked, ordering[1:], (status,), type_key, after, wanted)
        after = None


def _by_type(
    asked: Question, ordering: tuple[Order, ...], statuses: tuple[str, ...], after: Item | None, wanted: int
) -> Iterator[Item]:
    descending = ordering[0].descending
    type_key = str(after["type_key"]) if after else _next_type(asked.channel, statuses, descending, None)
    while type_key is not None:
        yield from _rows(asked, ordering[1:], statuses, type_key, after, wanted)
        after = None
        type_key = _next_type(asked.channel, statuses, descending, type_key)


def _next_type(channel: int, statuses: tuple[str, ...], descending: bool, beyond: str | None) -> str | None:
    found = []
    for status in statuses:
        values: dict[str, Any] = {":channel": channel, ":status": status}
        condition = "channel = :channel AND #status = :status"
        if beyond is not None:
            condition += f" AND type_key {'<' if descending else '>'} :beyond"
            values[":beyond"] = beyond
        with reaching_aws():
            answer = clients.dynamodb().query(
                TableName=BATCH_REQUESTS.name,
                IndexName="by_status_type",
                KeyConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=items.encode(values),
                ScanIndexForward=not descending,
                Limit=1,
            )
        found += [row["type_key"]["S"] for row in answer["Items"]]
    return (max(found) if descending else min(found)) if found else None


def _merged(
    asked: Question,
    columns: tuple[str, ...],
    descending: bool,
    statuses: tuple[str, ...],
    type_key: str | None,
    after: Item | None,
    wanted: int,
) -> Iterator[Item]:
    """Rows of several statuses, ordered by columns that an index has in its sort key."""
    sources = [_query(asked.channel, status, type_key, columns, descending, after, wanted) for status in statuses]
    if len(sources) == 1:
        return sources[0]
    columns = columns if columns[-1] == "pk" else (*columns, "pk")
    return heapq.merge(*sources, key=lambda row: tuple(row[column] for column in columns), reverse=descending)


def _query(
    channel: int,
    status: str | None,
    type_key: str | None,
    columns: tuple[str, ...],
    descending: bool,
    after: Item | None,
    wanted: int,
) -> Iterator[Item]:
    """Rows of one partition of an index, or, without a status, of the table."""
    key: Item = {"channel": channel}
    names: dict[str, str] = {}
    if status is not None:
        key["status"] = status
        names = {"#status": "status"}
    if type_key is not None:
        key["type_key"] = type_key
    request: dict[str, Any] = {
        "TableName": BATCH_REQUESTS.name,
        "KeyConditionExpression": " AND ".join(f"{'#status' if name == 'status' else name} = :{name}" for name in key),
        "ExpressionAttributeValues": items.encode({f":{name}": value for name, value in key.items()}),
        "ScanIndexForward": not descending,
        "Limit": min(wanted, _KEYS_AT_ONCE),
    }
    if names:
        request["ExpressionAttributeNames"] = names
    if status is None:
        request["ConsistentRead"] = True
    else:
        request["IndexName"] = _index({*key, *columns})
    if after is not None:
        # Any position in a partition can be begun after, whether there is an item or not.
        place = {"pk": after["pk"], **{name: after[name] for name in columns}, **key}
        request["ExclusiveStartKey"] = items.encode(place)
    return query(request)


def _index(attributes: set[str]) -> str:
    return (
        "by_status" + ("_type" if "type_key" in attributes else "") + ("_modified" if "modified" in attributes else "")
    )


# Where pages begin.


def _position(row: Item) -> Item:
    return {name: row[name] for name in ("status", "type_key", "modified", "pk") if name in row}


def _keep(asked: Question, caller: str, number: int, after: Item) -> None:
    """Keeps where a page begins: after this row."""
    with reaching_aws():
        clients.dynamodb().put_item(
            TableName=EPHEMERA.name,
            Item=items.encode(
                {
                    "id": f"page#{asked.digest(caller)}",
                    "at": number,
                    "after": json.dumps(after),
                    "expires": clock.now() // 1_000_000 + _POSITION_KEPT_SECONDS,
                }
            ),
        )


def _start_of(asked: Question, number: int, caller: str) -> Item:
    """The row before a page: kept, or counted up to from the nearest one before it that is."""
    with reaching_aws():
        answer = clients.dynamodb().query(
            TableName=EPHEMERA.name,
            KeyConditionExpression="id = :id AND #at <= :number",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues=items.encode({":id": f"page#{asked.digest(caller)}", ":number": number}),
            ScanIndexForward=False,
            Limit=1,
        )
    known, after = 1, None
    for found in map(items.decode, answer["Items"]):
        if int(found["expires"]) > clock.now() // 1_000_000:
            known, after = int(found["at"]), json.loads(str(found["after"]))
    missing = (number - known) * asked.limit
    if missing:
        rows = _rows(asked, asked.ordering, asked.partitions, None, after, missing, keys_only=True)
        after = next(islice(rows, missing - 1, None), None)
    if after is None:
        raise NotFound("Invalid page.")
    return dict(after)
