"""Schedule → batch requests without progress for longer than their channel's `stale_after` fail."""

from typing import Any

from batchyard.batch_requests import stale


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fails what is stale; answers how many were."""
    return {"failed": stale.fail_stale()}
