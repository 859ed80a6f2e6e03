"""How the work of a type of jobs is done, one bounded step after the other."""

from collections.abc import Callable
from typing import Protocol

from batchyard.batch_jobs.rules import Job
from batchyard.store.unit import Unit


class Record(Protocol):
    """Stores what became of a job, if it still is as the step found it; returns whether it was stored."""

    def __call__(self, changed: Job, also: Callable[[Unit], None] | None = None, /) -> bool:
        """Stores it.

        Args:
            changed: The job as it is now.
            also: What else is staged with it.
        """


class Strategy(Protocol):
    """The work of one type of jobs: a module with these functions."""

    def advance(self, job: Job, record: Record) -> None:
        """Makes one step of a job that has not ended, of half a minute at most.

        Raises:
            Unavailable: A service did not answer; the step can be made again.
        """

    def wind_up(self, job: Job, record: Record) -> None:
        """Makes one step of what is left to do of a job that has ended; behind the last one it has no state.

        Raises:
            Unavailable: A service did not answer; the step can be made again.
        """

    def clean_up(self, job: Job) -> None:
        """Removes what the work of a job leaves behind in S3.

        Raises:
            Unavailable: A service did not answer.
        """
