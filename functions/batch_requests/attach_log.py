"""An uploaded log file (S3 → SQS) → the log file of its batch request."""

from typing import Any

from batchyard.batch_requests import logs
from batchyard.store import notices


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Attaches uploads; those that failed are delivered again."""
    return notices.each_key(event, logs.attach_upload)
