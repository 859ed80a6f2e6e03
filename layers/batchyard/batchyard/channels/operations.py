"""What can be done with channels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from batchyard import clock
from batchyard.channels import repository
from batchyard.channels.rules import Channel
from batchyard.errors import Conflict
from batchyard.http.answers import tag_of
from batchyard.http.preconditions import UNCONDITIONAL, Preconditions
from batchyard.jsontext import dumps
from batchyard.store.unit import Unit, transact


def create(fields: dict[str, Any], pk: int | None = None) -> Channel:
    """Makes a channel.

    Args:
        fields: Its name and settings.
        pk: Its primary key; None for the next free one.

    Raises:
        Conflict: The primary key is taken.
    """

    def operation(unit: Unit) -> Channel:
        if pk is not None and repository.exists(unit, pk):
            raise Conflict(f"There is a channel {pk} already.")
        channel = Channel(repository.next_pk(unit) if pk is None else pk, made=clock.now(), **fields)
        repository.put(unit, channel)
        return channel

    return transact(operation)


def retrieve(pk: int) -> Channel:
    """A channel.

    Raises:
        NotFound: There is none with this primary key.
    """
    return transact(lambda unit: repository.find(unit, pk))


def shown(channel: Channel) -> str:
    """A channel as it is answered, which tells it from what it was before."""
    return dumps(channel.to_answer())


def update(pk: int, fields: dict[str, Any], conditions: Preconditions = UNCONDITIONAL) -> Channel:
    """Changes the fields of a channel that are given, if it is what the caller's conditions ask for.

    Raises:
        NotFound: There is none with this primary key.
        PreconditionFailed: It is not.
    """

    def operation(unit: Unit) -> Channel:
        current = repository.find(unit, pk)
        changed = replace(current, **fields)
        conditions.must_hold(tag_of(shown(current)), repeats=changed == current)
        if changed != current:
            repository.put(unit, changed)
        return changed

    return transact(operation)


def delete(
    pk: int, *, has_batch_requests: Callable[[Unit, int], bool], conditions: Preconditions = UNCONDITIONAL
) -> None:
    """Removes a channel that has no batch requests.

    Args:
        pk: Its primary key.
        has_batch_requests: Whether a unit will leave the channel of a primary key with any; they are not of this floor.
        conditions: The caller's, of the channel.

    Raises:
        NotFound: There is none with this primary key.
        Conflict: It has batch requests.
        PreconditionFailed: It is not what the conditions ask for.
    """

    def operation(unit: Unit) -> None:
        channel = repository.find(unit, pk)
        conditions.must_hold(tag_of(shown(channel)))
        if has_batch_requests(unit, pk):
            raise Conflict("The channel has batch requests. Delete them first, or set is_active to false.")
        repository.delete(unit, channel)

    transact(operation)
