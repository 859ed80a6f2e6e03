"""Statuses of serials as runs: neighbouring serials with the same story are one entry, however many they are.

Pure functions over lists of runs that tile a stretch of indices without gaps. A million serials that were
decommissioned together are one run; a serial that was dispensed alone cuts a run in three.

Why: docs/decisions.md#serials-are-runs-in-stretches
"""

import json
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from batchyard.product_batches.serials.statuses import COMMISSIONED, may_become

MOST_RUNS = 1000
"""Runs in one stored stretch, some twelve kB; one with more is cut in pieces of half as many."""

_GAP = -1


class Run(NamedTuple):
    """Neighbouring serials with the same status, from the same change.

    Args:
        first: Index of the first serial, in the collection.
        last: Index of the last one.
        change: The change that brought it; empty for none.
    """

    first: int
    last: int
    status: str = COMMISSIONED
    change: str = ""

    @property
    def size(self) -> int:
        """How many serials it holds."""
        return self.last - self.first + 1


def cut(runs: Sequence[Run], first: int, last: int) -> list[Run]:
    """The part of runs, which are in order, that lies between two indices, both included."""
    found = []
    for position in range(bisect_left(runs, first, key=_last), len(runs)):
        run = runs[position]
        if run.first > last:
            break
        found.append(run._replace(first=max(run.first, first), last=min(run.last, last)))
    return found


def overlay(runs: Sequence[Run], wanted: Sequence[Run]) -> list[Run]:
    """Runs with others put over them.

    Args:
        runs: What is there, in order and without gaps.
        wanted: What covers it, in order, within the same indices.
    """
    found: list[Run] = []
    position = runs[0].first
    for cover in wanted:
        found += cut(runs, position, cover.first - 1) if position < cover.first else []
        found.append(cover)
        position = cover.last + 1
    found += cut(runs, position, runs[-1].last) if position <= runs[-1].last else []
    return list(_joined(found))


def changed(runs: Iterable[Run], status: str, change: str) -> tuple[list[Run], list[Run]]:
    """What a change makes of runs, and what they were: only of those that it changes.

    Args:
        runs: The runs that it is meant for.
        status: The status that it brings.
        change: Its ID.
    """
    before = [run for run in runs if run.status != status and may_become(run.status, status)]
    return [run._replace(status=status, change=change) for run in before], before


def pieces(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs as the stretches that they are stored in."""
    if len(runs) <= MOST_RUNS:
        return [list(runs)]
    size = MOST_RUNS // 2
    return [list(runs[position : position + size]) for position in range(0, len(runs), size)]


def count(runs: Iterable[Run]) -> int:
    """How many serials runs hold."""
    return sum(run.size for run in runs)


def pack(runs: Sequence[Run]) -> bytes:
    """Runs, and the gaps between them, in few bytes. Where the first one begins is not among them."""
    stories: dict[tuple[str, str], int] = {}
    lengths: list[tuple[int, int]] = []
    position = runs[0].first
    for run in runs:
        if run.first > position:
            lengths.append((run.first - position, _GAP))
        lengths.append((run.size, stories.setdefault((run.status, run.change), len(stories))))
        position = run.last + 1
    return zlib.compress(json.dumps([list(stories), lengths], separators=(",", ":")).encode())


def unpack(packed: bytes, first: int) -> list[Run]:
    """The runs that `pack` packed, from the index on where the first one begins."""
    stories, lengths = json.loads(zlib.decompress(packed))
    found = []
    for length, story in lengths:
        if story != _GAP:
            status, change = stories[story]
            found.append(Run(first, first + length - 1, status, change))
        first += length
    return found


def _last(run: Run) -> int:
    return run.last


def _joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs with neighbours of the same story made one."""
    held: Run | None = None
    for run in runs:
        if held is not None and (held.status, held.change, held.last + 1) == (run.status, run.change, run.first):
            held = held._replace(last=run.last)
            continue
        if held is not None:
            yield held
        held = run
    if held is not None:
        yield held
