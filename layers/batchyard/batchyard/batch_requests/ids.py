"""Primary keys: the moment of creation in microseconds since the Unix epoch, made unique in the whole service.

The low 13 bits of that moment are not the clock's: 11 of them are a node number and 2 count within a tick of 8 ms. So
a key is its own creation date, to within 8 ms; it grows with time, and fits 53 bits until the year 2255.

A node number belongs to one execution environment for one window of 268 seconds: it leases the next free one of the
window, one small write, and makes keys of that window alone from it. Two environments therefore never make the same
key, in whatever channels.

Why: docs/decisions.md#a-primary-key-is-its-creation-date
"""

import threading
from dataclasses import dataclass

from batchyard import clock
from batchyard.errors import Unavailable
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.tables import EPHEMERA

_TICK_BITS = 13
_SEQUENCE_BITS = 2
_WINDOW_BITS = 15
_NODES = 1 << (_TICK_BITS - _SEQUENCE_BITS)
_SEQUENCES = 1 << _SEQUENCE_BITS
_WINDOWS_AHEAD = 4
_KEPT_SECONDS = 3600


@dataclass(slots=True)
class _Lease:
    """A node number of one window, and the last key made from it."""

    window: int
    node: int
    tick: int = 0
    sequence: int = 0


_lease: _Lease | None = None
_lock = threading.Lock()


def next_pk() -> int:
    """A primary key that nothing else ever had.

    Raises:
        Unavailable: The store did not answer, or handed out all node numbers for minutes ahead.
    """
    global _lease
    with _lock:
        tick = clock.now() >> _TICK_BITS
        sequence = 0
        if _lease is not None and tick <= _lease.tick:
            tick, sequence = _lease.tick, _lease.sequence + 1
            if sequence == _SEQUENCES:
                tick, sequence = tick + 1, 0
        if _lease is None or tick >> _WINDOW_BITS > _lease.window:
            _lease = _take(tick >> _WINDOW_BITS)
        # A window whose nodes are all taken is passed over: the lease then begins ahead of the clock.
        _lease.tick, _lease.sequence = max(tick, _lease.window << _WINDOW_BITS), sequence
        return _lease.tick << _TICK_BITS | _lease.node << _SEQUENCE_BITS | _lease.sequence


def reset() -> None:
    """Gives up this environment's lease."""
    global _lease
    _lease = None


def _take(window: int) -> _Lease:
    for candidate in range(window, window + _WINDOWS_AHEAD):
        with reaching_aws():
            answer = clients.dynamodb().update_item(
                TableName=EPHEMERA.name,
                Key=items.encode({"id": "pk-nodes", "at": candidate}),
                UpdateExpression="SET expires = :expires ADD taken :one",
                ExpressionAttributeValues=items.encode(
                    {":one": 1, ":expires": clock.now_s() + _KEPT_SECONDS},
                ),
                ReturnValues="UPDATED_NEW",
            )
        node = int(answer["Attributes"]["taken"]["N"]) - 1
        if node < _NODES:
            return _Lease(candidate, node)
    raise Unavailable
