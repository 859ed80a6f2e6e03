"""From the table to those who work on jobs: which changes leave work, and where it is announced."""

import os
from collections.abc import Mapping
from typing import Any

from batchyard.batch_jobs import repository
from batchyard.batch_jobs.rules import PRE_PROCESSED
from batchyard.store import items


def queue_url() -> str:
    """The queue of those who work on jobs."""
    return os.environ["BATCH_JOBS_QUEUE_URL"]


def named_in(record: Mapping[str, Any]) -> dict[str, str] | None:
    """The job that has work left since a change of the table; None for any other change.

    Args:
        record: A record of the change stream.
    """
    change = record["dynamodb"]
    key = items.decode(change["Keys"])
    if not repository.is_job(key) or "NewImage" not in change:
        return None
    job = repository.decode(items.decode(change["NewImage"]))
    before = repository.decode(items.decode(change["OldImage"])) if "OldImage" in change else None
    # Whoever works on it goes on by itself; a person has it begin, go on, or end.
    is_begun = before is None or (before.status == PRE_PROCESSED and job.status != PRE_PROCESSED)
    is_called_off = before is not None and job.has_ended and not before.has_ended
    is_undone = before is not None and before.state is None
    return {"job": job.id} if job.has_work and (is_begun or is_called_off or is_undone) else None
