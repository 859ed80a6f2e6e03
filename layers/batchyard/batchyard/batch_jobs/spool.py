"""A spool: records on their way from one pass of a job to the next, in S3, read again in an order.

What a pass has read goes to S3 in *chunks*, each ordered by itself; the next pass merges them. So any number of records
is put in order within bounded memory, and a worker can begin anywhere: where each chunk goes on is one number.

Why: docs/decisions.md#a-file-is-sorted-before-it-is-compared
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import total_ordering
from heapq import merge
from typing import Any, NamedTuple

from batchyard.jsontext import dumps
from batchyard.store import blobs
from batchyard.store.blobs import Blob

CHUNK = 8 * 1024 * 1024
"""Bytes of a chunk, about."""

LARGEST_GROUP = 16 * 1024 * 1024
"""Bytes of the entries that are held at once, about."""

KIND = "spools"
"""What keys of chunks begin with; the bucket's lifecycle rule for them outlasts every job that needs them."""

_READ_AT_ONCE = 256 * 1024
_OF_EACH = 128
"""As how many characters an entry counts besides what it holds: short ones take much more memory than their text."""


class Entry(NamedTuple):
    """A record and where it stands.

    Attributes:
        place: What it is ordered by.
        id: What decides where the places of two are equal.
        record: The record, as JSON takes it.
    """

    place: str | int
    id: str
    record: dict[str, Any]


class Chunk(NamedTuple):
    """Where a chunk lies and where it goes on.

    Attributes:
        key: Its key in the bucket.
        position: The byte that it goes on at.
    """

    key: str
    position: int = 0


class Merged(NamedTuple):
    """An entry as the chunks give it, in order.

    Attributes:
        entry: The entry.
        number: Which chunk it is from.
        position: The byte at which that chunk goes on behind it.
    """

    entry: Entry
    number: int
    position: int


@total_ordering
class _Opposite:
    """Orders as the opposite of what it holds; so ties within can still go forwards."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Opposite) and bool(self.value == other.value)

    def __lt__(self, other: "_Opposite") -> bool:
        return bool(other.value < self.value)

    __hash__ = None  # type: ignore[assignment]


def ordered(entries: Sequence[Entry], *, descending: bool) -> list[Entry]:
    """Entries in order: by their places, and where these are equal by their IDs, forwards."""
    return sorted(entries, key=_order(descending=descending))


def write(owner: str, entries: Sequence[Entry]) -> Chunk:
    """Stores entries, which are in order, as a chunk.

    Args:
        owner: ID of the job whose it is.

    Raises:
        Unavailable: S3 did not take it.
    """
    key = blobs.new_key(KIND, owner)
    content = "".join(dumps(entry) + "\n" for entry in entries).encode()
    blobs.write(Blob(key, content, "application/x-ndjson"))
    return Chunk(key)


class Writer:
    """Stores entries that come in any order, in as many chunks as it takes.

    Args:
        owner: ID of the job whose they are.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._entries: list[Entry] = []
        self._size = 0
        self._chunks: list[Chunk] = []

    def add(self, entry: Entry, size: int) -> None:
        """Takes one more entry.

        Args:
            size: As how many characters it is kept, about, without its place and ID.

        Raises:
            Unavailable: S3 did not take what came before.
        """
        self._entries.append(entry)
        self._size += size + len(str(entry.place)) + _OF_EACH
        if self._size >= CHUNK:
            self._store()

    def close(self) -> list[Chunk]:
        """Stores what is left; returns all chunks.

        Raises:
            Unavailable: S3 did not take it.
        """
        if self._entries:
            self._store()
        return self._chunks

    def _store(self) -> None:
        self._chunks.append(write(self._owner, ordered(self._entries, descending=False)))
        self._entries, self._size = [], 0


class Group(NamedTuple):
    """Entries of one place.

    Attributes:
        place: It.
        entries: They, in order.
        chunks: Where the chunks go on behind them.
        is_rest: There were more of the place before.
        is_whole: There are no more of the place behind them.
        size: How many bytes they are, as they were weighed.
    """

    place: str | int
    entries: list[Entry]
    chunks: list[Chunk]
    is_rest: bool
    is_whole: bool
    size: int


Weigh = Callable[[Entry], int]
"""How many bytes an entry is, beside those of its group that came before."""


def grouped(chunks: Sequence[Chunk], most: int, weighing: Callable[[], Weigh] | None = None) -> Iterator[Group]:
    """All that is left of chunks, the entries of one place together.

    Of a place that has more than `most` entries or `LARGEST_GROUP` bytes there are several groups.

    Args:
        most: Entries that are held at once.
        weighing: Makes what weighs the entries of a group; where there is none, each is what its chunk has of it.

    Raises:
        Unavailable: S3 did not answer.
    """
    behind = list(chunks)
    entries: list[Entry] = []
    weigh = None if weighing is None else weighing()
    is_rest, size = False, 0
    for merged in read(chunks, descending=False):
        entry = merged.entry
        if entries and (entry.place != entries[0].place or len(entries) == most or size >= LARGEST_GROUP):
            is_whole = entry.place != entries[0].place
            yield Group(entries[0].place, entries, list(behind), is_rest, is_whole, size)
            is_rest, entries, size = not is_whole, [], 0
            weigh = None if weighing is None else weighing()
        entries.append(entry)
        size += merged.position - behind[merged.number].position if weigh is None else weigh(entry)
        behind[merged.number] = behind[merged.number]._replace(position=merged.position)
    if entries:
        yield Group(entries[0].place, entries, behind, is_rest, is_whole=True, size=size)


class Groups:
    """All that is left of chunks, group by group, with a place to stop at: whoever begins there goes on.

    What is read ahead of that place stays in memory for the next one who begins there (`going_on`); so a worker that
    makes many steps reads each chunk once, not once a step.

    Args:
        groups: Their groups, as `grouped` has them.

    Attributes:
        chunks: Where the chunks go on behind the groups that were taken.
    """

    def __init__(self, chunks: Sequence[Chunk], groups: Iterator[Group]) -> None:
        self.chunks = list(chunks)
        self._groups = groups
        self._ahead: Group | None = None

    @property
    def ahead(self) -> Group | None:
        """The group that comes next, which is not taken yet; None behind the last.

        Raises:
            Unavailable: S3 did not answer.
        """
        if self._ahead is None:
            self._ahead = next(self._groups, None)
        return self._ahead

    def take(self) -> None:
        """Leaves the group that is ahead behind."""
        if self._ahead is not None:
            self.chunks, self._ahead = self._ahead.chunks, None

    def stop(self) -> None:
        """Keeps what is read ahead; what was kept before is forgotten."""
        _left_open[:] = [self]


_left_open: list[Groups] = []


def going_on(chunks: Sequence[Chunk], most: int, weighing: Callable[[], Weigh] | None = None) -> Groups:
    """The groups of chunks (`grouped`), from where they were stopped at if that was here and by this process."""
    while _left_open:
        groups = _left_open.pop()
        if groups.chunks == list(chunks):
            return groups
    return Groups(chunks, grouped(chunks, most, weighing))


def read(chunks: Sequence[Chunk], *, descending: bool) -> Iterator[Merged]:
    """All that is left of chunks, in order.

    Raises:
        Unavailable: S3 did not answer.
    """
    order = _order(descending=descending)
    streams = [_stream(number, chunk) for number, chunk in enumerate(chunks)]
    return merge(*streams, key=lambda found: order(found.entry))


def delete(chunks: Sequence[Chunk]) -> None:
    """Removes chunks; those that are gone are no matter.

    Raises:
        Unavailable: S3 did not answer.
    """
    for chunk in chunks:
        blobs.delete(chunk.key)


def _order(*, descending: bool) -> Callable[[Entry], Any]:
    if descending:
        return lambda entry: (_Opposite(entry.place), entry.id)
    return lambda entry: (entry.place, entry.id)


def _stream(number: int, chunk: Chunk) -> Iterator[Merged]:
    position, ahead, buffer = chunk.position, chunk.position, b""
    while True:
        more = blobs.read_range(chunk.key, ahead, _READ_AT_ONCE)
        ahead += len(more)
        *lines, buffer = (buffer + more).split(b"\n")
        lines.reverse()
        while lines:
            position += len(lines[-1]) + 1
            # Nothing else of a line is kept meanwhile: each chunk has one that waits for its turn.
            yield Merged(Entry(*json.loads(lines.pop())), number, position)
        if len(more) < _READ_AT_ONCE:
            return
