"""Schedule → batches whose expiry date is over are expired."""

from typing import Any

from batchyard.product_batches import expiry

_ENOUGH = 5_000
"""Milliseconds that one more batch may take."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Has batches expire; answers how many did, and whether it came to the end of those that are due.

    Raises:
        RuntimeError: Some could not, so that the run is tried again and seen.
    """
    outcome = expiry.expire_due(lambda: context.get_remaining_time_in_millis() < _ENOUGH)
    if outcome.failed:
        raise RuntimeError(f"{outcome.failed} batches could not expire, {outcome.expired} did")
    return {"expired": outcome.expired, "finished": outcome.finished}
