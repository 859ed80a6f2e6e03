"""The change stream of product batches → events for the rest of the house, and a message for each removed batch."""

from typing import Any

from batchyard.product_batches import published
from batchyard.store import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publishes what changed; the first record that failed and all after it are delivered again."""
    return deliveries.again(published.publish(event["Records"]))
