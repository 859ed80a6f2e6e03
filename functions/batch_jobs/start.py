"""The change stream of batch jobs → a message to the workers for each that has work since."""

from typing import Any

from batchyard.batch_jobs import messages as jobs
from batchyard.store import deliveries
from batchyard.work import messages


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Sends the messages; the first record that failed and all after it are delivered again."""
    return deliveries.again(messages.announce_new(event["Records"], jobs.queue_url(), jobs.named_in))
