"""Work that nobody does, since the message that it is left was lost: it is announced again.

A family keeps what has not ended in an index, with the moment when it is to be looked at. What made progress since is
left alone until it is looked at again.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from batchyard.rounds import Round
from batchyard.work.messages import announce


class Watched(Protocol):
    """A kind of work that is looked at whether somebody does it."""

    def queue_url(self) -> str:
        """The queue of those who do it."""
        ...

    def due(self, now: int) -> Iterable[Mapping[str, str]]:
        """What is to be looked at by now, as its messages name it; of an index, so it may be over or gone.

        Raises:
            Unavailable: The store did not answer.
        """
        ...

    def is_left(self, named: Mapping[str, str], now: int) -> bool:
        """Whether a piece of work has not ended, and made no progress for so long that it was forgotten.

        Raises:
            Unavailable: The store did not answer.
        """
        ...

    def look_later(self, named: Mapping[str, str], now: int) -> None:
        """Has a piece of work looked at again some time from now, if it has not ended.

        Raises:
            Unavailable: The store did not take it.
        """
        ...


def announce_again(kind: Watched, now: int, time_is_up: Callable[[], bool]) -> int:
    """Tells the workers once more of work that nobody does; returns of how many pieces.

    Args:
        kind: What kind of work it is.
        now: The present moment, in microseconds since the Unix epoch.
        time_is_up: Whether to leave the rest for the next time; asked after each piece.

    Raises:
        RuntimeError: Some could not be looked at; all others were.
        Unavailable: The store did not tell what is due.
    """

    def look(named: Mapping[str, str]) -> bool:
        is_left = kind.is_left(named, now)
        if is_left:
            announce(kind.queue_url(), [named])
        kind.look_later(named, now)
        return is_left

    this = Round(time_is_up)
    this.each(kind.due(now), look)
    return this.settle("pieces of work could not be looked at")
