"""Schedule → batches whose expiry date is over are expired, and exports that nobody works on are announced again."""

from typing import Any

from batchyard.deadline import deadline
from batchyard.product_batches import expiry
from batchyard.product_batches.exports import overdue

_BATCH_MS = 5_000
"""Milliseconds that one more batch or export may take."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Has batches expire; returns how many did, whether it came to the end of those that are due, and of the exports.

    Raises:
        RuntimeError: Some could not, or exports could not be looked at, so that the run is tried again and seen.
    """
    time_is_up = deadline(context, _BATCH_MS)
    due = expiry.expire_due(time_is_up)
    announced = overdue.announce_again(time_is_up)
    return {"expired": due.settle("batches could not expire"), "finished": due.finished, "announced": announced}
