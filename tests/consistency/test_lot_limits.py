"""Serials with more stories than one commit can change: all of it is done, or nothing and the client is told."""

import random

import pytest

from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.product_batches.serials.rules import Stretch
from batchyard.product_batches.serials.runs import MOST_RUNS, Run
from batchyard.store import clients, items
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit
from tests.consistency.lots import PRODUCT, Collection
from tests.consistency.world import World
from tests.support.api import Answer
from tests.support.engines import MINISTACK

pytestmark = pytest.mark.engine

# DynamoDB's own limit of one call.
_AT_ONCE = 25


@pytest.fixture
def world(lasting_world: World) -> World:
    """Tests keep to a collection of their own here."""
    return lasting_world


@pytest.fixture
def lots(world: World) -> Collection:
    return Collection(world)


def _with_stories(lots: Collection, serials: int, runs: int) -> None:
    """Makes a batch each of whose serials was dispensed by a change of its own.

    Args:
        lots: Its collection.
        serials: How many it has.
        runs: How many are in one stretch.
    """
    assert lots.create("L1", serials).status == 200
    source, unit = random.Random(serials), Unit()
    for start in range(0, serials, runs):
        stories = tuple(
            Run(index, index, "dispensed", f"{index:014x}{source.randbytes(4).hex()}")
            for index in range(start, min(start + runs, serials))
        )
        serials_repository.put_stretch(unit, Stretch(BatchKey(lots.id, PRODUCT, "L1"), 10, 1, stories))
    staged = [item for _, item in unit.staged(PRODUCT_BATCHES) if item is not None]
    for some in (staged[position : position + _AT_ONCE] for position in range(0, len(staged), _AT_ONCE)):
        requests = [{"PutRequest": {"Item": items.encode(item)}} for item in some]
        answer = clients.dynamodb().batch_write_item(RequestItems={PRODUCT_BATCHES.name: requests})  # type: ignore[dict-item]
        assert not answer["UnprocessedItems"]


# How many items are too many is for the service to know; how large one may be, for the engine.
@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
def test_serials_in_too_many_items_are_not_changed_at_once(lots: Collection) -> None:
    _with_stories(lots, 100_000, MOST_RUNS // 2)
    before = lots.rows("serials ")
    for count in (60_000, 100_000):
        _must_be_too_large(lots.change("L1", "recalled", (0, count)))
    assert lots.rows("serials ") == before
    assert lots.rows("change ") == []


def test_serials_with_too_many_stories_are_changed_in_parts(lots: Collection) -> None:
    """They are few enough items, but the change would have to remember more than an item holds."""
    _with_stories(lots, 39_000, MOST_RUNS)
    before, stored = lots.runs("L1"), lots.rows("serials ")
    _must_be_too_large(lots.change("L1", "recalled", (0, 39_000)))
    assert lots.rows("serials ") == stored
    assert lots.rows("change ") == []
    part = lots.change("L1", "recalled", (5_000, 20_000))
    assert (part.status, part.json()["changed"]) == (200, 20_000)
    assert lots.statuses("L1")[5_000] == (20_000, "recalled")
    lots.must_be_whole()
    assert lots.undo("L1", part.json()["id"]).status == 200
    assert lots.runs("L1") == before
    lots.must_be_whole()


def test_many_ranges_over_many_stories_take_no_longer_than_one(lots: Collection) -> None:
    """A thousand ranges of twenty serials, each serial of which has a story of its own."""
    _with_stories(lots, 38_000, MOST_RUNS)
    before = lots.runs("L1")
    made = lots.change("L1", "recalled", *((start, 20) for start in range(0, 38_000, 38)))
    assert (made.status, made.json()["changed"]) == (200, 20_000), made.text
    lots.must_be_whole()
    assert lots.undo("L1", made.json()["id"]).status == 200
    assert lots.runs("L1") == before
    lots.must_be_whole()


def _must_be_too_large(answer: Answer) -> None:
    assert (answer.status, answer.json()["errorCode"]) == (413, "CONTENT_TOO_LARGE"), answer.text
