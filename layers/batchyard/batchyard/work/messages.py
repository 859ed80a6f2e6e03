"""From the table to those who do the work: a message for each piece that has work left, which names it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchyard.errors import Unavailable
from batchyard.jsontext import dumps
from batchyard.store import queues

SINCE = "since"
"""The attribute of a message whose work waits for a service: since when, in seconds since the Unix epoch."""

_AT_ONCE = 10


def announce(queue_url: str, names: Sequence[Mapping[str, str]]) -> None:
    """Tells the workers of pieces of work that have something left to do.

    Twice is no matter: two workers at one piece follow each other.

    Raises:
        Unavailable: The queue did not take all of it.
    """
    queues.send(queue_url, [dumps(dict(named)) for named in names])


def announce_later(queue_url: str, named: Mapping[str, str], *, since_s: int, delay_s: int) -> None:
    """Tells the workers of a piece of work that waits for a service.

    Args:
        queue_url: Their queue.
        named: Which piece.
        since_s: Since when it waits, in seconds since the Unix epoch.
        delay_s: Seconds after which they are told, 900 at most.

    Raises:
        Unavailable: The queue did not take it.
    """
    queues.send(queue_url, [dumps(dict(named))], delay_s=delay_s, attributes={SINCE: since_s})


def announce_new(
    records: Sequence[Mapping[str, Any]],
    queue_url: str,
    named_in: Callable[[Mapping[str, Any]], Mapping[str, str] | None],
) -> str | None:
    """Tells the workers of new work; returns the sequence number of the first record that failed, None if none did.

    Args:
        records: Records of a table's change stream.
        queue_url: The workers' queue.
        named_in: The piece of work that a record is the beginning of; None for anything else.
    """
    for position in range(0, len(records), _AT_ONCE):
        part = records[position : position + _AT_ONCE]
        try:
            announce(queue_url, [named for record in part if (named := named_in(record)) is not None])
        except Unavailable:
            return str(part[0]["dynamodb"]["SequenceNumber"])
    return None
