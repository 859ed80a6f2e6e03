"""What products let go of, and contents stored a while ago (the change stream or S3 → SQS) → gone, unless needed."""

from typing import Any

from batchyard.catalogue import leftovers
from batchyard.store import queues


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Removes what no product needs; those that failed are delivered again."""
    return queues.each(event, leftovers.look_at)
