"""Schedule → batch jobs that nobody works on are announced again, and those that nobody confirmed are canceled."""

from typing import Any

from batchyard import clock
from batchyard.batch_jobs.overdue import OverdueJobs
from batchyard.deadline import deadline
from batchyard.work.overdue import announce_again

_JOB_MS = 5_000
"""Milliseconds that one more job may take."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Looks at the jobs that are due; returns how many the workers were told of.

    Raises:
        RuntimeError: Some could not be looked at.
    """
    time_is_up = deadline(context, _JOB_MS)
    return {"announced": announce_again(OverdueJobs(), clock.now(), time_is_up)}
