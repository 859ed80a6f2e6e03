"""The change stream of batch requests → the tallies behind `count`."""

from typing import Any

from batchyard.batch_requests import tallies
from batchyard.store import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Counts a batch of changes, each once; a failure leaves the whole batch for another delivery."""
    tallies.apply(event["Records"])
    return deliveries.again()
