"""How long a function still runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_remaining_ms: ContextVar[Callable[[], int] | None] = ContextVar(
    "milliseconds that the function still runs", default=None
)


def deadline(context: Any, needs_ms: int) -> Callable[[], bool]:
    """What tells whether the time is up for one more step.

    Args:
        context: The Lambda context.
        needs_ms: Milliseconds that a step may take, and what comes after it.
    """
    return lambda: bool(context.get_remaining_time_in_millis() <= needs_ms)


@contextmanager
def within(context: Any) -> Iterator[None]:
    """Within this, nothing begins that could outlast the function, which ends in words of its own then.

    Args:
        context: The Lambda context.
    """
    token = _remaining_ms.set(context.get_remaining_time_in_millis)
    try:
        yield
    finally:
        _remaining_ms.reset(token)


def allows(needs_ms: int) -> bool:
    """Whether something that takes so many milliseconds would end before the function does."""
    remaining_ms = _remaining_ms.get()
    return remaining_ms is None or remaining_ms() > needs_ms
