"""The change streams of products and of the rest of the catalogue → events for the rest of the house, and clean-up."""

from typing import Any

from batchyard.catalogue import published
from batchyard.store import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publishes what changed; the first record that failed and all after it are delivered again."""
    return deliveries.again(published.publish(event["Records"]))
