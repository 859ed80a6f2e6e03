"""Events published from the change stream of batch jobs: `BatchJob Status Changed`, for each move of a job."""

from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.batch_jobs import repository
from batchyard.clock import iso_ms
from batchyard.store import events
from batchyard.store.events import Event, RecordChange

SOURCE = "batchyard.batch_jobs"
STATUS_CHANGED = "BatchJob Status Changed"


def publish(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Publishes changes in their order; returns the sequence number of the first that failed, None if none did.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
    """
    return events.publish(records, SOURCE, _told, lambda _: None)


def _told(change: RecordChange) -> list[Event]:
    # One that is forgotten has ended long before.
    if change.new is None or not repository.is_job(change.new):
        return []
    before = None if change.old is None else str(change.old["status"])
    job = repository.decode(change.new)
    if before == job.status:
        return []
    result = job.result or {}
    detail = {
        "id": job.id,
        "type": job.type,
        "oldStatus": before,
        "newStatus": job.status,
        "dryRun": job.dry_run,
        "count": result.get("count"),
        "errorCount": result.get("error_count", 0),
        "fileKey": result.get("file_key"),
        "createdBy": job.owner,
        "by": job.user,
        "updatedAt": iso_ms(job.updated),
    }
    return [Event(STATUS_CHANGED, job.updated, detail)]
