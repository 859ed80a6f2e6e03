"""Exports that nobody works on, since the message that there is work was lost: they are announced again.

An export that has not ended stands in the index of what is due, with the moment when it is to be looked at. One that
made progress since is left alone until it is looked at again.
"""

from collections.abc import Callable
from dataclasses import replace

from batchyard import clock
from batchyard.product_batches.exports import messages, repository
from batchyard.product_batches.exports.rules import ENDED, LOOK_AFTER_US, Export
from batchyard.product_batches.rules import BatchKey
from batchyard.store.unit import Unit, transact


def announce_again(time_is_up: Callable[[], bool]) -> int:
    """Tells the workers once more of exports without progress for an hour; returns of how many.

    Args:
        time_is_up: Whether to leave the rest for the next time; asked after each export.

    Raises:
        Unavailable: The store or the queue did not answer.
    """
    now = clock.now()
    announced = 0
    for batch, id in repository.due(now):
        export = repository.get(Unit(), batch, id)
        if export is not None and export.status not in ENDED and export.updated <= now - LOOK_AFTER_US:
            # Twice is no matter: two workers at one export follow each other.
            messages.announce([messages.work_on(batch, id)])
            announced += 1
        _look_later(batch, id, now)
        if time_is_up():
            break
    return announced


def _look_later(batch: BatchKey, id: str, now: int) -> None:
    def operation(unit: Unit) -> Export | None:
        export = repository.get(unit, batch, id)
        if export is None or export.status in ENDED:
            return None
        return repository.put(unit, replace(export, look_at=now + LOOK_AFTER_US))

    transact(operation)
