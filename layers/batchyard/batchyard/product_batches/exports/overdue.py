"""Exports that nobody writes, since the message that there is work was lost: they are announced again.

An export that has not ended stands in the index of what is due, with the moment when it is to be looked at.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import override

from batchyard import clock
from batchyard.product_batches.exports import messages, repository
from batchyard.product_batches.exports.rules import ENDED, LOOK_AFTER_US, Export
from batchyard.store.unit import Unit, transact
from batchyard.work import overdue
from batchyard.work.overdue import Watched


def announce_again(time_is_up: Callable[[], bool]) -> int:
    """Tells the workers once more of exports without progress for an hour; returns of how many.

    Args:
        time_is_up: Whether to leave the rest for the next time; asked after each export.

    Raises:
        RuntimeError: Some could not be looked at; all others were.
        Unavailable: The store did not tell which ones are due.
    """
    return overdue.announce_again(_Exports(), clock.now(), time_is_up)


class _Exports(Watched):
    @override
    def queue_url(self) -> str:
        return messages.queue_url()

    @override
    def due(self, now: int) -> Iterator[dict[str, str]]:
        for batch, id in repository.due(now):
            yield messages.name_of(batch, id)

    @override
    def is_left(self, named: Mapping[str, str], now: int) -> bool:
        export = _left(Unit(), named)
        return export is not None and export.updated <= now - LOOK_AFTER_US

    @override
    def look_later(self, named: Mapping[str, str], now: int) -> None:
        def operation(unit: Unit) -> None:
            export = _left(unit, named)
            if export is not None:
                repository.put(unit, replace(export, look_at=now + LOOK_AFTER_US))

        transact(operation)


def _left(unit: Unit, named: Mapping[str, str]) -> Export | None:
    """An export that has not ended."""
    export = repository.get(unit, *messages.named_by(named))
    return None if export is None or export.status in ENDED else export
