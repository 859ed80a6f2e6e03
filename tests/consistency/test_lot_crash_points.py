"""Every write of product batches, stopped at each of its calls to AWS in turn, or left without an answer to it.

It happened or it did not, never half; and after the client's repeat it has happened once. Indices of serials may be
wasted, but nobody gets them twice.
"""

import itertools
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import pytest

from tests.consistency.cases import small_items, some
from tests.consistency.faults import Crash, Fault, at_call, crash_after, crash_before, first, lost_answer, never_sent
from tests.consistency.lots import Collection
from tests.consistency.world import World
from tests.support.api import Answer, batches
from tests.support.batch import Part, request, run_change_set
from tests.support.engines import MINISTACK

pytestmark = pytest.mark.engine

MOST_CALLS = 40


@pytest.fixture
def world(lasting_world: World) -> World:
    """Tests keep to a collection of their own here."""
    return lasting_world


class Case(ABC):
    """A collection with a batch, and something that is done to it.

    Args:
        world: Where it is.
    """

    def __init__(self, world: World) -> None:
        self.lots = Collection(world)
        assert self.lots.create("L1", 10, name="before").status == 200
        self.begin()

    def begin(self) -> None:  # noqa: B027 (most cases find nothing else)
        """Makes what else it finds."""

    @abstractmethod
    def act(self) -> Answer:
        """What is done."""


class Create(Case):
    def act(self) -> Answer:
        return self.lots.create("L3", 10, expiryDate="2030-11-22")


class CreateWithoutSerials(Case):
    def act(self) -> Answer:
        return self.lots.create("L3")


class Update(Case):
    def act(self) -> Answer:
        return self.lots.api.put(self.lots.path("L1"), {"name": "after", "status": "withdrawn"})


class Grow(Case):
    def act(self) -> Answer:
        body = {"name": "after", "quantity": 25}
        return self.lots.api.put(self.lots.path("L1"), body, headers={"If-Match": '"1"'})


class Delete(Case):
    def act(self) -> Answer:
        return self.lots.api.delete(self.lots.path("L1"))


class ChangeOne(Case):
    def begin(self) -> None:
        self.code = self.lots.code("L1", 4)

    def act(self) -> Answer:
        return self.lots.api.patch(self.lots.path("L1", f"/serial/{self.code}"), {"status": "dispensed"})


class ChangeMany(Case):
    def begin(self) -> None:
        # So that it has two stretches.
        assert self.lots.api.put(self.lots.path("L1"), {"quantity": 20}).status == 200

    def act(self) -> Answer:
        return self.lots.change("L1", "decommissioned", (5, 2), (8, 6))


class Undo(ChangeMany):
    def begin(self) -> None:
        super().begin()
        assert self.lots.change("L1", "active", (0, 9)).status == 200
        self.made = super().act().json()["id"]

    def act(self) -> Answer:
        return self.lots.undo("L1", self.made)


CASES = [Create, CreateWithoutSerials, Update, Grow, Delete, ChangeOne, ChangeMany, Undo]


def _undisturbed(world: World, case: type[Case]) -> tuple[Any, Any]:
    scene = case(world)
    before = scene.lots.state()
    assert scene.act().status == 200
    after = scene.lots.state()
    assert after != before
    return before, after


def _must_be_safe(lots: Collection) -> None:
    """Serials that are made from here on are nobody's yet."""
    wasted = lots.wasted()
    assert wasted in {0, 10, 15}
    assert lots.create("L9", 5).status == 200
    lots.must_be_whole(wasted=wasted)


# A process that ends is the same to every engine; what differs between them are the answers to repeated calls.
@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_a_lot_write_that_crashes_at_any_call_is_atomic_and_happens_once(world: World, case: type[Case]) -> None:
    before, done = _undisturbed(world, case)
    found: list[tuple[Fault, bool]] = []
    for number in itertools.count(1):
        assert number < MOST_CALLS
        for fault in (crash_before, crash_after):
            scene = case(world)
            world.new_process()
            with at_call(number, fault) as strike, suppress(Crash):
                scene.act()
            after = scene.lots.state()
            assert after in (before, done), strike.call
            if not strike:
                assert after == done
                break
            found.append((fault, after == done))
            world.new_process()
            repeated = scene.act()
            # Whoever removes what is removed is told so.
            assert repeated.status == (404 if case is Delete and after == done else 200), (strike.call, repeated.text)
            assert scene.lots.state() == done, strike.call
            _must_be_safe(scene.lots)
        if not strike:
            break
    # All of it is done by the last call alone.
    assert found[-1] == (crash_after, True)
    assert not any(happened for _, happened in found[:-1])


@pytest.mark.parametrize("case", CASES)
def test_a_lot_write_survives_a_lost_answer(world: World, case: type[Case]) -> None:
    _, done = _undisturbed(world, case)
    for number in itertools.count(1):
        assert number < MOST_CALLS
        scene = case(world)
        world.new_process()
        with at_call(number, lost_answer) as strike:
            assert scene.act().status == 200, strike.call
        assert scene.lots.state() == done, strike.call
        scene.lots.must_be_whole(wasted=None)
        if not strike:
            return


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_a_lot_write_is_repeated_after_the_store_was_unreachable(world: World, case: type[Case]) -> None:
    before, done = _undisturbed(world, case)
    call = "PutItem" if case in {Update, CreateWithoutSerials} else "TransactWriteItems"
    for fault in (lost_answer, never_sent):
        scene = case(world)
        with at_call(1, fault, of=call, lasting=True) as strike:
            refused = scene.act()
        assert strike
        assert (refused.status, refused.json()["errorCode"]) == (503, "SERVICE_UNAVAILABLE")
        happened = fault is lost_answer
        assert scene.lots.state() == (done if happened else before)
        assert scene.act().status == (404 if case is Delete and happened else 200)
        assert scene.lots.state() == done
        _must_be_safe(scene.lots)


# Change sets of two families.


class Scene:
    """A channel with a batch request, a collection with a product batch, and a change set that touches all of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.channel = world.api.open_channel()
        opened = world.api.open_batch(self.channel, status="commit", objects=some(2))
        self.url = batches(self.channel, opened["pk"])
        self.lots = Collection(world)
        assert self.lots.create("L1", 10).status == 200
        assert self.lots.create("L2", 10).status == 200
        self.before = self.state()

    def change(self) -> list[Part] | Part:
        """The change set's answer."""
        serials = {"status": "recalled", "ranges": [{"startIndex": 2, "count": 20}]}
        return run_change_set(
            self.world.api,
            request("POST", batches(self.channel), {"channel": self.channel}, Idempotency_Key="k"),
            request("PATCH", self.url, {"status": "sent_to_remote", "objects": some(30, seed=3)}),
            request("POST", self.lots.path(), {"id": "L3", "quantity": 7}),
            request("PUT", self.lots.path("L1"), {"quantity": 30, "name": "grown"}),
            request("POST", self.lots.path("L1", "/serialChange"), serials),
            request("DELETE", self.lots.path("L2")),
        )

    def state(self) -> Any:
        """What there is in both families."""
        return self.world.state(self.channel), self.lots.state()


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("fault", [crash_before, crash_after])
def test_a_change_set_of_two_families_happens_as_a_whole(world: World, fault: Fault) -> None:
    with small_items():
        scene = Scene(world)
        answers = scene.change()
        assert isinstance(answers, list), answers
        assert [answer.status for answer in answers] == [201, 200, 200, 200, 200, 200]
        done = scene.state()
        assert done[1]["L1"][4] == [(2, "commissioned"), (20, "recalled"), (8, "commissioned")]
        assert done[1].keys() == {"L1", "L3"}
        scene.lots.must_be_whole(wasted=10)
        found = []
        for number in itertools.count(1):
            assert number < MOST_CALLS
            scene = Scene(world)
            world.new_process()
            with at_call(number, fault) as strike, suppress(Crash):
                scene.change()
            after = scene.state()
            assert after in (scene.before, done), strike.call
            assert scene.lots.wasted() in ({10} if after == done else {0, 7, 27}), strike.call
            scene.lots.must_be_whole(wasted=None)
            if not strike:
                assert after == done
                break
            found.append((strike.call.partition("/")[0], after == done))
        assert found[-1] == ("TransactWriteItems", fault is crash_after)
        assert not any(happened for _, happened in found[:-1])


def test_a_change_set_that_loses_a_race_is_run_again_with_other_serials(world: World) -> None:
    scene = Scene(world)

    def another() -> None:
        assert scene.lots.create("L4", 5).status == 200
        assert scene.lots.api.put(scene.lots.path("L1"), {"name": "before"}).status == 200

    with at_call(1, first(another), of="TransactWriteItems") as strike:
        answers = scene.change()
    assert strike
    assert isinstance(answers, list), answers
    # Of the batch that is removed, and of the first run.
    scene.lots.must_be_whole(wasted=10 + 7 + 20)
    assert {batch.id: batch.quantity for batch in scene.lots.batches().values()} == {"L1": 30, "L3": 7, "L4": 5}


def test_many_lots_of_a_change_set_have_serials_of_their_own(world: World) -> None:
    lots = Collection(world)
    made = [request("POST", lots.path(), {"id": f"L{number:02}", "quantity": 5 + number}) for number in range(20)]
    with at_call(1, first(lambda: lots.create("L99", 1)), of="TransactWriteItems") as strike:
        answers = run_change_set(world.api, *made)
    assert strike
    assert isinstance(answers, list), answers
    assert [answer.status for answer in answers] == [200] * 20
    assert [batch.quantity for batch in lots.batches().values()] == [*range(5, 25), 1]
    lots.must_be_whole()
