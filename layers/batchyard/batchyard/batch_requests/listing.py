"""Pages of a channel's batch requests, at the cost of what a page holds.

Every filter and ordering is read off an index in its own order; nothing is read to be dropped. The indexes hold keys
alone, and all have the partition (channel, status), so a status is a partition of its own:

- ordering by primary key or modification merges the partitions of the statuses that are asked for, six at most;
- ordering by status takes them one after the other;
- ordering by content type walks an index in which it is the first part of the sort key, or, where the rest of the
  ordering runs the other way, goes from one content type to the next in it.

The page's items are then read at once, consistently. Without a filter, in order of primary keys, the table itself is
that index.

Where a page ends is kept for a while (`positions`). A page asked for out of the blue is reached by counting keys from
the nearest one that is known.

Why: docs/decisions.md#four-indexes-of-keys-all-by-channel-and-status
Why: docs/decisions.md#orderings-of-which-dynamodb-can-only-read-half
"""

import hashlib
import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from batchyard.batch_requests import repository, rules, tallies
from batchyard.echoes import echo
from batchyard.errors import Invalid, NoSuchPage
from batchyard.http.answers import must_have_room, size_in_lambda
from batchyard.store import contents, items, positions
from batchyard.store.items import Item
from batchyard.store.tables import BATCH_REQUESTS
from batchyard.store.unit import read_many

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

_POSITION = ("status", "type_key", "modified", "pk")
"""What of a row says where it stands."""


@dataclass(frozen=True, slots=True)
class Order:
    """One column of an ordering."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, without the page.

    Args:
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
        results: The batch requests, each as JSON.
        count: How many there are on all pages.
        has_next: There is a page after this one.
    """

    results: list[str] = field(default_factory=list)
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
            raise Invalid({"status": [f"Select a valid choice. {echo(status)} is not one of the available choices."]})
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
        NoSuchPage: There is none of this number.
        TooLarge: It is more than an answer can hold.
    """
    position = _start_of(asked, number, caller) if number > 1 else None
    rows = list(islice(_walk(asked, position, asked.limit + 1), asked.limit + 1))
    has_next = len(rows) > asked.limit
    rows = rows[: asked.limit]
    if not rows and number > 1:
        raise NoSuchPage
    if has_next:
        last = {name: rows[-1][name] for name in _POSITION if name in rows[-1]}
        positions.keep(asked.digest(caller), number + 1, json.dumps(last))
    results = _answers([row for row in _whole(rows) if _still(asked, row)])
    if number == 1 and not has_next:
        return Page(results, len(results))
    # How many come before this page is not known: since its beginning was kept, some may have been removed.
    counted = tallies.count(asked.channel, asked.statuses, asked.content_type)
    return Page(results, max(counted, len(rows) + has_next), has_next)


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


def _whole(rows: list[Item]) -> list[Item]:
    """The items of rows: what the table's own order gave is whole already."""
    if rows and "local_batch_id" not in rows[0]:
        # One that moves while its statuses are read one after the other is in two of them.
        keys = {row["pk"]: BATCH_REQUESTS.key_of(row) for row in rows}
        return read_many(BATCH_REQUESTS, keys.values())
    return rows


def _still(asked: Question, row: Item) -> bool:
    """Whether a batch request is still what was asked for: an index lags a moment behind the table."""
    if asked.statuses and row["status"] not in asked.statuses:
        return False
    return asked.content_type is None or items.text(row, "content_type") == asked.content_type


def _answers(rows: list[Item]) -> list[str]:
    """The batch requests of items, each as JSON; what has no room is not unpacked, what is lost is left out."""
    must_have_room(sum(map(repository.objects_size_in_lambda, rows)))
    results, size = [], 0
    for text in contents.readable("objects", rows, lambda row, read: repository.decode(row, read).to_json()):
        size += size_in_lambda(text)
        must_have_room(size)
        results.append(text)
    return results


# Rows in order: each of these returns an iterator that reads no further than it is asked to.


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk through the rows of a channel.

    Args:
        ordering: The columns to order by.
        statuses: The statuses to look at.
        type_key: The only type key to look at; None for all.
        after: The row behind which the walk begins; None for the beginning.
        wanted: Rows that will be taken, at most.
        keys_only: Rows need not be whole.
    """

    channel: int
    ordering: tuple[Order, ...]
    statuses: tuple[str, ...]
    type_key: str | None
    after: Item | None
    wanted: int
    keys_only: bool = False

    @property
    def descending(self) -> bool:
        """The direction of the first column."""
        return self.ordering[0].descending


def _walk(asked: Question, after: Item | None, wanted: int, *, keys_only: bool = False) -> Iterator[Item]:
    type_key = None if asked.content_type is None else repository.type_key(asked.content_type)
    return _rows(_Walk(asked.channel, asked.ordering, asked.partitions, type_key, after, wanted, keys_only))


def _rows(walk: _Walk) -> Iterator[Item]:
    first, *rest = walk.ordering
    if first.column == "status":
        return _by_status(walk)
    if first.column == "type_key":
        if walk.type_key is not None:
            return _rows(replace(walk, ordering=tuple(rest)))
        if rest == [Order("pk", first.descending)]:
            return _merged(walk, "type_key", "pk")
        return _by_type(walk)
    everything = walk.type_key is None and len(walk.statuses) == len(rules.STATUSES)
    if first.column == "pk" and everything and not walk.keys_only:
        return repository.rows(walk.channel, descending=walk.descending, after=walk.after, wanted=walk.wanted)
    return _merged(walk, first.column)


def _by_status(walk: _Walk) -> Iterator[Item]:
    after = walk.after
    for status in sorted(walk.statuses, reverse=walk.descending):
        if after is not None and status != after["status"]:
            continue
        yield from _rows(replace(walk, ordering=walk.ordering[1:], statuses=(status,), after=after))
        after = None


def _by_type(walk: _Walk) -> Iterator[Item]:
    after = walk.after
    type_key = str(after["type_key"]) if after else _next_type(walk, None)
    while type_key is not None:
        yield from _rows(replace(walk, ordering=walk.ordering[1:], type_key=type_key, after=after))
        after = None
        type_key = _next_type(walk, type_key)


def _next_type(walk: _Walk, beyond: str | None) -> str | None:
    keys = (
        repository.next_type_key(walk.channel, status, beyond, descending=walk.descending) for status in walk.statuses
    )
    found = [key for key in keys if key is not None]
    return (max if walk.descending else min)(found, default=None)


def _merged(walk: _Walk, *columns: str) -> Iterator[Item]:
    """Rows of several statuses, ordered by columns that an index has in its sort key."""
    sources = [
        repository.rows(
            walk.channel,
            status=status,
            type_key=walk.type_key,
            columns=columns,
            descending=walk.descending,
            after=walk.after,
            wanted=walk.wanted,
        )
        for status in walk.statuses
    ]
    if len(sources) == 1:
        return sources[0]
    order = columns if columns[-1] == "pk" else (*columns, "pk")
    return heapq.merge(*sources, key=lambda row: tuple(row[column] for column in order), reverse=walk.descending)


def _start_of(asked: Question, number: int, caller: str) -> Item:
    """The row before a page: kept, or counted up to from the nearest one before it that is."""
    found = positions.nearest(asked.digest(caller), number)
    known = 1
    after: Item | None = None
    if found is not None:
        known, after = found[0], json.loads(found[1])
    missing = (number - known) * asked.limit
    if missing:
        after = next(islice(_walk(asked, after, missing, keys_only=True), missing - 1, None), None)
    if after is None:
        raise NoSuchPage
    return after
