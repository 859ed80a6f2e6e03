"""Products are written in packs, one transaction each; packs in lanes, side by side, one for each gate of the job."""

from collections.abc import Callable, Sequence

from batchyard import threads
from batchyard.batch_jobs.imports import gates


def each_pack[Pack, Result](write: Callable[[int, Pack], Result], packs: Sequence[Pack]) -> list[Result]:
    """Writes packs; returns what comes of each, in no order.

    Args:
        write: Writes one, in a lane.
        packs: They.
    """

    def write_lane(lane: int) -> list[Result]:
        return [write(lane, pack) for pack in packs[lane :: gates.GATES]]

    return [result for results in threads.each(write_lane, range(gates.GATES), gates.GATES) for result in results]


def in_halves[Result](pack: Sequence[str], write: Callable[[Sequence[str]], Result]) -> tuple[Result, Result]:
    """Writes a pack that is too much for one transaction, half by half; returns what comes of each."""
    middle = len(pack) // 2
    return write(pack[:middle]), write(pack[middle:])
