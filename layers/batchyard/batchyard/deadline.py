"""How long a function still runs."""

from collections.abc import Callable
from typing import Any


def deadline(context: Any, needs_ms: int) -> Callable[[], bool]:
    """What tells whether the time is up for one more step.

    Args:
        context: The Lambda context.
        needs_ms: Milliseconds that a step may take, and what comes after it.
    """
    return lambda: bool(context.get_remaining_time_in_millis() <= needs_ms)
