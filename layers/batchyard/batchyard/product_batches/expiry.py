"""Batches whose expiry date is over: they become `expired` by schedule, as if somebody had changed their status."""

from collections.abc import Callable
from dataclasses import replace

from batchyard import clock
from batchyard.actor import Actor
from batchyard.product_batches import repository, rules
from batchyard.product_batches.rules import BatchKey
from batchyard.rounds import Round
from batchyard.store.unit import Unit, transact


def expire_due(time_is_up: Callable[[], bool]) -> Round:
    """Has all batches expire that are due; one that fails is logged and does not keep the others.

    Args:
        time_is_up: Whether to leave the rest for the next time; asked after each batch.

    Raises:
        Unavailable: The store did not tell which ones are due.
    """
    now = clock.now()
    this = Round(time_is_up)
    this.each(repository.due(now), lambda batch: _expire(batch, now))
    return this


def _expire(batch: BatchKey, now: int) -> bool:
    """Has a batch expire, unless it is no longer due: the index tells of a moment ago."""

    def operation(unit: Unit) -> bool:
        found = repository.get(unit, batch)
        if found is None or not rules.is_due(found, now):
            return False
        updated = max(now, found.updated + 1)
        repository.put(unit, replace(found, status=rules.EXPIRED, updated=updated, actor=Actor(trigger="expiry")))
        return True

    return transact(operation)
