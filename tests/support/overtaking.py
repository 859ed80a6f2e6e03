"""Requests that overtake each other, in one thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from batchyard.store.unit import Unit


@contextmanager
def before_the_first_commit(act: Callable[[], None]) -> Iterator[None]:
    """Does something as soon as a request has read what it needs, and is about to write."""
    commit, waiting = Unit.commit, [act]

    def interrupted(unit: Unit) -> None:
        if waiting:
            waiting.pop()()
        commit(unit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unit, "commit", interrupted)
        yield
