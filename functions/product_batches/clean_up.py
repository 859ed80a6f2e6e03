"""A batch that was removed (the change stream → SQS) → what it left behind is removed too."""

import os
from typing import Any

from batchyard.product_batches import leftovers
from batchyard.store import queues

_ENOUGH = 5_000
"""Milliseconds that a step and a message may take; a run that takes longer is cut off, and delivered again."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Removes what is left of batches, in a further message where the time runs out; what failed is delivered again."""

    def remove(told: str) -> None:
        if not leftovers.remove(told, lambda: context.get_remaining_time_in_millis() < _ENOUGH):
            queues.send(os.environ["LEFTOVERS_QUEUE_URL"], [told])

    return queues.each(event, remove)
