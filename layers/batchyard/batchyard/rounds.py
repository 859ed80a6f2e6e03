"""Rounds: what goes over many things by schedule. Each of them stands alone, one that fails keeps no other waiting."""

from collections.abc import Callable, Iterable

from batchyard.defects import log_defect


class Round:
    """What became of the things of a round so far.

    Args:
        time_is_up: Whether to leave the rest for the next round; asked after each thing.

    Attributes:
        done: With how many something was done.
        failed: With how many it failed; why is logged.
        finished: All of them had their turn.
    """

    def __init__(self, time_is_up: Callable[[], bool]) -> None:
        self._time_is_up = time_is_up
        self.done = 0
        self.failed = 0
        self.finished = True

    def each[T](self, things: Iterable[T], act: Callable[[T], bool | None]) -> None:
        """Does something with each thing, as far as the time goes.

        Args:
            things: They may be read while the round goes on; what reading them raises ends it.
            act: Does it; returns whether there was something to do. It may go over further things by this same round.
        """
        for thing in things:
            try:
                # Not in one step: what is done within it counts, too.
                acted = bool(act(thing))
                self.done += acted
            except Exception as error:
                log_defect(error)
                self.failed += 1
            if not self.finished or self._time_is_up():
                self.finished = False
                return

    def settle(self, what: str) -> int:
        """Returns with how many things something was done.

        Args:
            what: What the things are, and what was not done with them: `batches could not expire`.

        Raises:
            RuntimeError: Some failed, so that the round is made again and seen.
        """
        if self.failed:
            raise RuntimeError(f"{self.failed} {what}, {self.done} did")
        return self.done
