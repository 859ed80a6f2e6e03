"""An export that has work left (the change stream → SQS) → its file in S3."""

from typing import Any

from batchyard.product_batches.exports import messages
from batchyard.product_batches.exports.work import ExportWork
from batchyard.work import deliveries


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Writes exports, in a further message where the time runs out; what failed is delivered again."""
    return deliveries.work_on(event, context, messages.queue_url(), ExportWork())
