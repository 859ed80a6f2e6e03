"""The change stream of product batches → a message to the workers for each new export."""

from typing import Any

from batchyard.product_batches.exports import messages
from batchyard.store import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Sends the messages; the first record that failed and all after it are delivered again."""
    return deliveries.again(messages.start_work(event["Records"]))
