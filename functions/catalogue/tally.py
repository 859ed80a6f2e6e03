"""The change stream of the catalogue → the tally behind `$count`."""

from typing import Any

from batchyard.catalogue import tally
from batchyard.store import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Counts a batch of changes, each once; a failure leaves the whole batch for another delivery."""
    tally.apply(event["Records"])
    return deliveries.again()
