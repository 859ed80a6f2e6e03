"""A blob that was written or replaced a while ago (S3 or the change stream → SQS) → gone, unless an item needs it."""

from typing import Any

from batchyard.batch_requests import sweeping
from batchyard.store import notices


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Removes blobs that nothing points at; those that failed are delivered again."""
    return notices.each_key(event, sweeping.sweep)
