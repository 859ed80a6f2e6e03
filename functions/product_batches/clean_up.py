"""A batch that was removed (the change stream → SQS) → what it left behind is removed too."""

import os
from typing import Any

from batchyard.deadline import deadline
from batchyard.errors import Unavailable
from batchyard.product_batches import leftovers
from batchyard.store import queues

_STEP_MS = 5_000
"""Milliseconds that a step and a message may take; a run that takes longer is cut off, and delivered again."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Removes what is left of batches, in a further message where the time runs out; what failed is delivered again.

    So it is where the store does not take it for now, which is no failure: this message would be delivered again in
    half an hour only, and a few times at most.
    """
    time_is_up = deadline(context, _STEP_MS)

    def remove(told: str) -> None:
        try:
            finished = leftovers.remove(told, time_is_up)
        except Unavailable:
            finished = False
        if not finished:
            queues.send(os.environ["LEFTOVERS_QUEUE_URL"], [told])

    return queues.each(event, remove)
