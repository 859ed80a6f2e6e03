"""The steps of long work: what is stored of it says where to go on, so that any worker can, as often as it is told to.

Each step begins from the state as it is stored then, and records its progress only if that is still the one that is
stored. So a message that is delivered twice, or two workers at once, change nothing twice: one of them is ahead and the
other follows. Whoever cancels the work stores that it is over, and the next step is not begun.

Why: docs/decisions.md#long-work-is-done-in-short-steps-by-one-engine
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from batchyard.errors import Unavailable


class Work[S](Protocol):
    """One kind of long work.

    `S` is the state of a piece of it as it is stored: immutable, and another one after each change (by its version).

    Attributes:
        given_up: The reason why a piece failed that nobody could go on with, as its owner is told.
    """

    given_up: str

    def find(self, named: Mapping[str, str]) -> S | None:
        """The state of the piece that a message names, read consistently; None where it is gone.

        Raises:
            Unavailable: A service did not answer.
        """
        ...

    def is_over(self, state: S) -> bool:
        """Whether nothing is left to do, since the piece is done, has failed or was cancelled."""
        ...

    def advance(self, state: S) -> None:
        """Makes one step, of half a minute at most, and records it if the stored state still is this one.

        A step that is made again, wholly or in part, changes nothing twice.

        Raises:
            Unavailable: A service did not answer; the step can be made again.
        """
        ...

    def fail(self, state: S, reason: str) -> None:
        """Ends the piece with a reason if the stored state still is this one.

        Raises:
            Unavailable: A service did not answer.
        """
        ...

    def gone(self, state: S) -> None:
        """Removes what a piece leaves behind that was removed in the middle of the work.

        Args:
            state: The last one that a step began from.
        """


class Stuck(Exception):
    """A step left the state as it was, so the next one would do the same."""


@dataclass(slots=True)
class Delivery[S]:
    """What one delivery does of a piece of work.

    Args:
        kind: What kind of work it is.
        named: Which piece, as its message names it.
        steps: How many steps it has made.
    """

    kind: Work[S]
    named: Mapping[str, str]
    steps: int = 0

    def run(self, time_is_up: Callable[[], bool]) -> bool:
        """Makes steps until the time is up; returns whether nothing is left to do.

        Args:
            time_is_up: Whether to leave the rest for another time; asked before each step.

        Raises:
            Unavailable: A service did not answer; the work can go on from where it is.
            Stuck: The work does not get on.
        """
        former: S | None = None
        while (state := self.kind.find(self.named)) is not None:
            if self.kind.is_over(state):
                return True
            if state == former:
                raise Stuck
            if time_is_up():
                return False
            if self._advance(state):
                self.steps += 1
            former = state
        if former is not None:
            self.kind.gone(former)
        return True

    def _advance(self, state: S) -> bool:
        """Makes a step; returns False where it failed since somebody else has changed the state meanwhile."""
        try:
            self.kind.advance(state)
        except Unavailable:
            raise
        except Exception:
            # Whoever has ended the work may have removed what the step reads.
            if self.kind.find(self.named) == state:
                raise
            return False
        return True

    def give_up(self) -> None:
        """Ends a piece of work that nobody will go on with.

        Raises:
            Unavailable: A service did not answer.
            Stuck: It does not end.
        """
        former: S | None = None
        while (state := self.kind.find(self.named)) is not None and not self.kind.is_over(state):
            if state == former:
                raise Stuck
            self.kind.fail(state, self.kind.given_up)
            former = state
