"""The change stream of batch jobs → events for the rest of the house."""

from typing import Any

from batchyard.batch_jobs import published
from batchyard.store import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publishes what changed; the first record that failed and all after it are delivered again."""
    return deliveries.again(published.publish(event["Records"]))
