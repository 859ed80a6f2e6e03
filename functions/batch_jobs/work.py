"""A batch job that has work left (the change stream → SQS) → steps of it."""

from typing import Any

from batchyard.batch_jobs import messages
from batchyard.batch_jobs.working import BatchJobs
from batchyard.work.deliveries import work_on


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Works on jobs, in a further message where the time runs out; what failed is delivered again."""
    return work_on(event, context, messages.queue_url(), BatchJobs())
