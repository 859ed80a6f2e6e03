"""Batch requests that stopped moving: they fail once nothing has changed for longer than their channel allows."""

from collections.abc import Callable, Iterator

from batchyard import clock
from batchyard.batch_requests import operations, repository, rules
from batchyard.channels.repository import every
from batchyard.channels.rules import Channel
from batchyard.errors import NotFound
from batchyard.rounds import Round


def fail_stale(time_is_up: Callable[[], bool]) -> int:
    """Fails the stale batch requests of all channels that have a `stale_after`; returns how many.

    Args:
        time_is_up: Whether to leave the rest for the next time; asked after each batch request.

    Raises:
        RuntimeError: Some could not, or a channel's could not be found; all others are done with.
        Unavailable: The store did not tell which channels there are.
    """
    this = Round(time_is_up)

    def fail(stale: tuple[int, int, int]) -> bool:
        try:
            return operations.fail_unless_changed_since(*stale)
        except NotFound:
            return False

    this.each(every(), lambda channel: this.each(_stale(channel), fail))
    return this.settle("stale batch requests or channels of them could not be ended")


def _stale(channel: Channel) -> Iterator[tuple[int, int, int]]:
    """Channel, primary key and latest moment of each batch request that has not changed since then."""
    if channel.stale_after is None:
        return
    before_us = clock.now() - channel.stale_after * 1_000_000
    for status in rules.STATUSES:
        if status not in rules.FINISHED:
            for pk in repository.unchanged_since(channel.pk, status, before_us):
                yield channel.pk, pk, before_us
