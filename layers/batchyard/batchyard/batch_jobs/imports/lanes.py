"""Products are written in packs, one transaction each; packs in lanes, side by side, one for each gate of the job.

Why: docs/decisions.md#one-worker-writes-an-import-with-four-threads
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from batchyard import threads
from batchyard.batch_jobs.imports import gates
from batchyard.store.unit import MAX_ACTIONS

# One for the gate.
_ROOM = MAX_ACTIONS - 1


def packs[One](all_of_them: Iterable[One], items_of: Callable[[One], int]) -> Iterator[list[One]]:
    """Packs of neighbours: as many as one transaction takes, as far as can be told before.

    Args:
        all_of_them: What is packed.
        items_of: How many items are written for one of them.
    """
    pack: list[One] = []
    size = 0
    for one in all_of_them:
        more = items_of(one)
        if pack and size + more > _ROOM:
            yield pack
            pack, size = [], 0
        pack.append(one)
        size += more
    if pack:
        yield pack


def each_pack[Pack, Result](write: Callable[[int, Pack], Result], packs: Iterable[Pack]) -> list[Result]:
    """Writes packs; returns what comes of each, in no order.

    Args:
        write: Writes one, in a lane.
        packs: They; a lane that is free takes the next one, so they may be made while others are written.

    Raises:
        Exception: What the first of the writes that failed raised. No pack is begun after that.
    """
    left = iter(packs)
    alone = threading.Lock()
    failed = threading.Event()

    def next_pack() -> Pack | None:
        with alone:
            return None if failed.is_set() else next(left, None)

    def write_lane(lane: int) -> list[Result]:
        results = []
        try:
            while (pack := next_pack()) is not None:
                results.append(write(lane, pack))
        except BaseException:
            failed.set()
            raise
        return results

    return [result for results in threads.each(write_lane, range(gates.GATES), gates.GATES) for result in results]


def in_halves[Part, Result](pack: Sequence[Part], write: Callable[[Sequence[Part]], Result]) -> tuple[Result, Result]:
    """Writes a pack that is too much for one transaction, half by half; returns what comes of each."""
    middle = len(pack) // 2
    return write(pack[:middle]), write(pack[middle:])
