"""Schedule → batches whose expiry date is over are expired."""

from typing import Any

from batchyard.deadline import deadline
from batchyard.product_batches import expiry

_BATCH_MS = 5_000
"""Milliseconds that one more batch may take."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Has batches expire; answers how many did, and whether it came to the end of those that are due.

    Raises:
        RuntimeError: Some could not, so that the run is tried again and seen.
    """
    outcome = expiry.expire_due(deadline(context, _BATCH_MS))
    if outcome.failed:
        raise RuntimeError(f"{outcome.failed} batches could not expire, {outcome.expired} did")
    return {"expired": outcome.expired, "finished": outcome.finished}
