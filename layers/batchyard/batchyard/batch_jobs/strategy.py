"""How the work of a type of jobs is done, one bounded step after the other."""

from collections.abc import Callable
from typing import Protocol

from batchyard.batch_jobs.rules import Job

type Record = Callable[[Job], bool]
"""Stores what became of a job, if it still is as the step found it; returns whether it was stored."""


class Strategy(Protocol):
    """The work of one type of jobs: a module with these two functions."""

    def advance(self, job: Job, record: Record) -> None:
        """Makes one step of a job that has not ended, of half a minute at most.

        Raises:
            Unavailable: A service did not answer; the step can be made again.
        """

    def clean_up(self, job: Job) -> None:
        """Removes what the work of a job that has ended leaves behind.

        Raises:
            Unavailable: A service did not answer.
        """
