"""An export that has work left (the change stream → SQS) → its file in S3."""

import json
import os
from collections.abc import Mapping
from typing import Any

from batchyard.deadline import deadline
from batchyard.defects import log_defect
from batchyard.product_batches.exports import messages
from batchyard.product_batches.exports import work as export_work
from batchyard.store import deliveries, queues

_PART_MS = 45_000
"""Milliseconds within which a part is surely made and written."""

DELIVERIES = 5
"""How often a message is delivered before it is a dead letter (`maxReceiveCount` of the queue)."""

_PAUSE_S = 180
"""Seconds after which a message that failed is delivered again: an outage of some minutes ends no export."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Writes exports, in a further message where the time runs out; what failed is delivered again."""
    time_is_up = deadline(context, _PART_MS)
    failed = []
    for message in event["Records"]:
        asked = json.loads(message["body"])
        try:
            if _is_last(message):
                # Also those before that ended without a word, for want of time or memory, have failed.
                failed.append(message["messageId"])
                export_work.give_up(asked)
            elif not export_work.work(asked, time_is_up):
                messages.announce([asked])
        except Exception as error:
            log_defect(error)
            if not _is_last(message):
                failed.append(message["messageId"])
                queues.deliver_again(os.environ["EXPORTS_QUEUE_URL"], message["receiptHandle"], _PAUSE_S)
    return deliveries.again(*failed)


def _is_last(message: Mapping[str, Any]) -> bool:
    return int(message["attributes"]["ApproximateReceiveCount"]) >= DELIVERIES
