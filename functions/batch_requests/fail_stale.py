"""Schedule → batch requests without progress for longer than their channel's `stale_after` fail."""

from typing import Any

from batchyard.batch_requests import stale
from batchyard.deadline import deadline

_BATCH_MS = 5_000
"""Milliseconds that one more batch request may take."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fails what is stale; returns how many were. One that cannot be failed keeps no other, and is seen.

    Raises:
        RuntimeError: Some could not.
    """
    return {"failed": stale.fail_stale(deadline(context, _BATCH_MS))}
