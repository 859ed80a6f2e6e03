"""Time as the service keeps it: whole microseconds since the Unix epoch, written in ISO 8601 with a `Z`.

Names of what is kept in another unit end in it: `_s` for seconds, as in the times to live of DynamoDB's items.
"""

import time
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (all moments are UTC, and naive ones are written four times as fast)


def now() -> int:
    """The present moment in microseconds since the Unix epoch."""
    return time.time_ns() // 1000


def now_s() -> int:
    """The present moment in whole seconds since the Unix epoch."""
    return now() // 1_000_000


def iso_milliseconds(moment_us: int) -> str:
    """A moment as the catalogue's routes write it: `2026-11-22T02:50:19.114Z`."""
    return (_EPOCH + timedelta(microseconds=moment_us)).isoformat(timespec="milliseconds") + "Z"


def iso(moment_us: int) -> str:
    """A moment as the API writes it: `2026-11-22T02:50:19.114587Z`."""
    return (_EPOCH + timedelta(microseconds=moment_us)).isoformat(timespec="microseconds") + "Z"
