"""Batch requests that stopped moving: they fail once nothing has changed for longer than their channel allows."""

from collections.abc import Iterator

from batchyard import clock
from batchyard.batch_requests import operations, repository, rules
from batchyard.channels.repository import every
from batchyard.channels.rules import Channel
from batchyard.errors import NotFound


def fail_stale() -> int:
    """Fails the stale batch requests of all channels that have a `stale_after`; answers how many."""
    return sum(_fail(channel.pk, pk, before) for channel in every() for pk, before in _stale(channel))


def _stale(channel: Channel) -> Iterator[tuple[int, int]]:
    if channel.stale_after is None:
        return
    before_us = clock.now() - channel.stale_after * 1_000_000
    for status in rules.STATUSES:
        if status not in rules.FINISHED:
            for pk in repository.unchanged_since(channel.pk, status, before_us):
                yield pk, before_us


def _fail(channel: int, pk: int, before_us: int) -> bool:
    """Fails a batch request, unless it went on after all."""
    try:
        return operations.fail_unless_changed_since(channel, pk, before_us)
    except NotFound:
        return False
