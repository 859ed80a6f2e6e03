"""Time as the service keeps it: whole microseconds since the Unix epoch, written in ISO 8601 with a `Z`."""

import time
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (all moments are UTC, and naive ones are written four times as fast)


def now() -> int:
    """The present moment in microseconds since the Unix epoch."""
    return time.time_ns() // 1000


def iso(moment: int) -> str:
    """A moment as the API writes it: `2026-11-22T02:50:19.114587Z`."""
    return (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds") + "Z"
