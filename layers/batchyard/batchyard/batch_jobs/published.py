"""Events published from the change stream of batch jobs: `BatchJob Status Changed`, for each move of a job."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from batchyard.batch_jobs import repository
from batchyard.batch_jobs.rules import CREATED, Job
from batchyard.clock import iso_milliseconds
from batchyard.store import events
from batchyard.store.events import Event, RecordChange
from batchyard.store.items import Value

SOURCE = "batchyard.batch_jobs"
STATUS_CHANGED = "BatchJob Status Changed"


def publish(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Publishes changes, those of a job in their order.

    Returns the sequence number of the first that failed, None if none did.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
    """
    return events.publish(records, SOURCE, _told, lambda _: None, _subject)


def _subject(change: RecordChange) -> Value:
    return (change.new or change.old or {})["id"]


def _told(change: RecordChange) -> list[Event]:
    # One that is forgotten has ended long before.
    if change.new is None or not repository.is_job(change.new):
        return []
    job = repository.decode(change.new)
    before = None if change.old is None else repository.decode(change.old)
    # One write can take a job through several statuses.
    entered = [CREATED] if before is None else []
    entered += [status for status in job.entered if before is None or status not in before.entered]
    former = None if before is None else before.status
    return [_move(job, old, new) for old, new in pairwise([former, *entered]) if new is not None]


def _move(job: Job, old: str | None, new: str) -> Event:
    result = job.result or {}
    detail = {
        "id": job.id,
        "type": job.type,
        "oldStatus": old,
        "newStatus": new,
        "dryRun": job.dry_run,
        "count": result.get("count"),
        "errorCount": result.get("error_count", 0),
        "fileKey": result.get("file_key"),
        "createdBy": job.owner,
        "by": job.user,
        "updatedAt": iso_milliseconds(job.updated),
    }
    return Event(STATUS_CHANGED, job.updated, detail)
