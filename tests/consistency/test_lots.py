"""Product batches in many hands at once: serials that belong to one batch each, statuses in some serial order."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from batchyard.errors import BatchyardError, Conflict, Invalid, NotFound
from batchyard.product_batches import operations
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.serials import changes
from batchyard.product_batches.serials.rules import StatusChange
from batchyard.product_batches.serials.runs import Run
from batchyard.product_batches.serials.statuses import COMMISSIONED, may_become
from tests.consistency import lot_process
from tests.consistency.faults import at_call, first, lost_answer, lost_answer_and_then, noting
from tests.consistency.lots import PRODUCT, Collection
from tests.consistency.workers import at_once, in_processes
from tests.consistency.world import World
from tests.support.engines import MINISTACK

pytestmark = pytest.mark.engine

Story = list[tuple[str, str]]
"""Status and change of each serial of a batch."""


@pytest.fixture
def world(lasting_world: World) -> World:
    """Tests keep to a collection of their own here."""
    return lasting_world


@pytest.fixture
def lots(world: World) -> Collection:
    return Collection(world)


def _create(lots: Collection, batch: str, quantity: int, **fields: Any) -> partial[ProductBatch]:
    return partial(operations.create, lots.id, PRODUCT, {"id": batch, "quantity": quantity, **fields}, by="tester")


def _grow(lots: Collection, batch: str, quantity: int) -> partial[ProductBatch]:
    return partial(operations.update, BatchKey(lots.id, PRODUCT, batch), {"quantity": quantity}, by="tester")


def _change(lots: Collection, batch: str, status: str, *ranges: tuple[int, int]) -> partial[dict[str, Any]]:
    return partial(changes.change_many, BatchKey(lots.id, PRODUCT, batch), ranges, status, by="tester")


def _id(changed: dict[str, Any]) -> str:
    return str(changed["id"])


# Blocks of indices.


@pytest.mark.parametrize("workers", [2, 10])
def test_blocks_of_lots_made_at_once_are_apart(lots: Collection, workers: int) -> None:
    answers = at_once([_create(lots, f"L{worker}", 5 + worker) for worker in range(workers)])
    assert all(isinstance(answer, ProductBatch) for answer in answers), answers
    assert {batch.id: batch.quantity for batch in lots.batches().values()} == {
        f"L{worker}": 5 + worker for worker in range(workers)
    }
    lots.must_be_whole()


def test_lots_made_at_once_do_not_take_turns(lots: Collection) -> None:
    writers = 32
    # So that the keys are there: botocore's clients are not to be made by several threads at once.
    assert lots.create("first", 1).status == 200
    with noting() as calls:
        answers = at_once([_create(lots, f"L{writer}", 5) for writer in range(writers)])
    assert [answer for answer in answers if not isinstance(answer, ProductBatch)] == []
    # Of which one may have been throttled.
    assert calls.count("TransactWriteItems") <= writers + 1
    assert calls.count("UpdateItem") <= writers + 1
    lots.must_be_whole()


def test_lots_grow_and_are_made_at_once(lots: Collection) -> None:
    for batch in ("L1", "L2"):
        _create(lots, batch, 3)()
    sizes = [10, 20, 30, 40]
    jobs = [_grow(lots, batch, size) for size in sizes for batch in ("L1", "L2")]
    made = [_create(lots, f"M{number}", 6) for number in range(4)]
    answers = at_once([*jobs, *made])
    for job, answer in zip(jobs, answers, strict=False):
        # Whoever comes after somebody who wanted more, would let it shrink.
        assert isinstance(answer, Invalid) or answer.quantity == job.args[1]["quantity"], answer
    assert all(isinstance(answer, ProductBatch) for answer in answers[len(jobs) :]), answers
    assert {id: batch.quantity for id, batch in lots.batches().items()} == {
        "L1": 40,
        "L2": 40,
        **{f"M{number}": 6 for number in range(4)},
    }
    # Who lost a race for a batch has taken indices for it.
    lots.must_be_whole(wasted=None)


def test_the_same_lot_created_at_once_is_one_lot(lots: Collection) -> None:
    for number in range(3):
        answers = at_once([_create(lots, f"L{number}", 10, name="the same")] * 4)
        assert all(answer == answers[0] for answer in answers), answers
    assert {batch.quantity for batch in lots.batches().values()} == {10}
    assert lots.wasted() in range(0, 100, 10)
    lots.must_be_whole(wasted=None)


def test_one_of_two_lots_with_one_id_is_made(lots: Collection) -> None:
    for number in range(3):
        id = f"L{number}"
        answers = at_once([_create(lots, id, 10, name="one"), _create(lots, id, 11, name="another")])
        assert sorted(map(type, answers), key=str) == [Conflict, ProductBatch], answers
        winner = next(answer for answer in answers if isinstance(answer, ProductBatch))
        assert lots.batches()[id] == winner
    lots.must_be_whole(wasted=None)


def test_a_create_whose_answer_gets_lost_meets_an_update(lots: Collection) -> None:
    """Somebody builds on it before botocore calls again."""
    with at_call(1, lost_answer_and_then(_grow(lots, "L1", 20)), of="TransactWriteItems") as strike:
        answer = lots.create("L1", 10)
    assert strike
    assert answer.status == 200, answer.text
    assert lots.batches()["L1"].quantity == 20
    lots.must_be_whole()


def test_serial_indices_of_a_lost_answer_belong_to_no_lot(lots: Collection) -> None:
    for call in range(2):
        with at_call(1, lost_answer, of="UpdateItem") as strike:
            assert lots.create(f"L{call}", 10).status == 200
        assert strike
    lots.must_be_whole(wasted=20)


def test_a_lot_that_is_made_and_removed_unnoticed_does_not_come_back(lots: Collection) -> None:
    """Its maker's answer gets lost, and somebody removes it before botocore calls again."""

    def removed() -> None:
        lots.must_be_whole()
        _remove(lots, "L1")()

    with at_call(1, lost_answer_and_then(removed), of="TransactWriteItems") as strike:
        answer = lots.create("L1", 10)
    assert strike
    assert answer.status == 200, answer.text
    assert lots.create("L1", 10).status == 200
    # These are other indices than those that were removed.
    lots.must_be_whole(wasted=lots.handed_out() - 10)


# To every engine, another process is another connection, as another thread is.
@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
def test_processes_that_change_lots_share_only_the_store(lots: Collection) -> None:
    _create(lots, "shared", 100)()
    workers = range(3)
    entries = in_processes([partial(lot_process.run, lots.id, "shared", worker) for worker in workers])
    found = Counter(itertools.chain.from_iterable(entries))
    assert found.pop(("grow", 200)) + found.pop(("grow", 400), 0) == 12
    assert found == {("create", 200): 12, ("create the same", 200): 12, ("change", 200): 12}
    batches = lots.batches()
    assert {id: batch.quantity for id, batch in batches.items()} == {
        "shared": 210,
        **{f"of-{worker}-{number}": 7 + worker for worker in workers for number in range(4)},
        **{f"of-all-{number}": 5 for number in range(4)},
    }
    assert [run.first for run in lots.runs("shared") if run.status == "dispensed"] == [
        10 * worker + number for worker in workers for number in range(4)
    ]
    lots.must_be_whole(wasted=None)


# Statuses of serials.


def _serial_order(lots: Collection, batch: str) -> list[StatusChange]:
    """The changes of a batch in an order that explains what each found, and what is there now."""
    of_batch, runs = lots.batches()[batch], lots.runs(batch)

    def numbers(run: Run) -> range:
        start = of_batch.number_of(run.first)
        assert start is not None
        return range(start, start + run.size)

    def after(story: Story, change: StatusChange) -> Story | None:
        """What a change makes of it; None where it found something else."""
        found = {number: (run.status, run.change) for run in change.before for number in numbers(run)}
        following = list(story)
        for start, size in change.ranges:
            for number in range(start, start + size):
                status, _ = story[number]
                changes_it = status != change.status and may_become(status, change.status)
                if (story[number] if changes_it else None) != found.get(number):
                    return None
                if changes_it:
                    following[number] = (change.status, change.id)
        return following

    def orders(story: Story, left: Sequence[StatusChange]) -> Iterator[list[StatusChange]]:
        if not left:
            if story == [(run.status, run.change) for run in runs for _ in range(run.size)]:
                yield []
            return
        for change in left:
            following = after(story, change)
            if following is not None:
                for rest in orders(following, [other for other in left if other is not change]):
                    yield [change, *rest]

    order = next(orders([(COMMISSIONED, "")] * of_batch.quantity, lots.changes(batch)), None)
    assert order is not None, "no order explains it"
    return order


def _undo(lots: Collection, batch: str, changes: Sequence[StatusChange]) -> None:
    for change in reversed(changes):
        answer = lots.undo(batch, change.id)
        assert answer.status == 200, answer.text


@pytest.mark.parametrize("seed", range(3))
def test_changes_of_overlapping_ranges_happen_in_some_order(lots: Collection, seed: int) -> None:
    _create(lots, "L1", 20)()
    _create(lots, "L2", 5)()
    # A block of its own, and with it another item of the table.
    _grow(lots, "L1", 60)()
    source = random.Random(seed)
    jobs = []
    for status in ("active", "dispensed", "decommissioned", "stolen", "destroyed", "recalled", "sample"):
        start, second = source.randrange(0, 25), source.randrange(35, 50)
        jobs.append(_change(lots, "L1", status, (start, source.randrange(1, 10)), (second, source.randrange(1, 10))))
    answers = at_once(jobs)
    assert all(isinstance(answer, dict) for answer in answers), answers
    order = _serial_order(lots, "L1")
    assert len(order) == sum(answer["changed"] > 0 for answer in answers)
    lots.must_be_whole()
    _undo(lots, "L1", order)
    assert lots.statuses("L1") == [(60, COMMISSIONED)]
    lots.must_be_whole()


def test_a_serial_change_rereads_the_serials_that_it_leaves_alone(lots: Collection) -> None:
    """Two changes that each leave what the other changes: one of them must come first."""
    _create(lots, "L1", 10)()
    _grow(lots, "L1", 20)()
    _change(lots, "L1", "recalled", (0, 10))()
    _change(lots, "L1", "dispensed", (10, 10))()
    with at_call(1, first(_change(lots, "L1", "recalled", (0, 20))), of="TransactWriteItems") as strike:
        assert lots.change("L1", "dispensed", (0, 20)).status == 200
    assert strike
    assert lots.statuses("L1") == [(20, "dispensed")]
    assert len(_serial_order(lots, "L1")) == 4


def test_stretches_that_are_cut_at_once_lose_nothing(lots: Collection) -> None:
    _create(lots, "L1", 2400)()
    workers = 4

    def singles(worker: int) -> list[tuple[int, int]]:
        return [(number, 1) for number in range(2 * worker, 2400, 2 * workers)]

    answers = at_once([_change(lots, "L1", "dispensed", *singles(worker)) for worker in range(workers)])
    assert all(isinstance(answer, dict) for answer in answers), answers
    lots.must_be_whole()
    assert len(lots.stretches()) > 2
    assert lots.statuses("L1") == [(1, "dispensed"), (1, COMMISSIONED)] * 1200
    undone = at_once([partial(lots.undo, "L1", _id(answer)) for answer in answers])
    assert [answer.status for answer in undone] == [200] * workers
    lots.must_be_whole()
    assert lots.statuses("L1") == [(2400, COMMISSIONED)]


def test_an_undo_and_a_serial_change_exclude_each_other(lots: Collection) -> None:
    for number in range(4):
        id = f"L{number}"
        _create(lots, id, 10)()
        made = _change(lots, id, "active", (0, 10))()
        undone, changed = at_once(
            [
                partial(changes.undo, BatchKey(lots.id, PRODUCT, id), _id(made), by="tester"),
                _change(lots, id, "dispensed", (3, 2)),
            ]
        )
        assert isinstance(changed, dict), changed
        if isinstance(undone, Conflict):
            assert lots.statuses(id) == [(3, "active"), (2, "dispensed"), (5, "active")]
        else:
            assert isinstance(undone, StatusChange), undone
            assert lots.statuses(id) == [(3, COMMISSIONED), (2, "dispensed"), (5, COMMISSIONED)]
    lots.must_be_whole()


def test_one_serial_is_dispensed_once(lots: Collection) -> None:
    _create(lots, "L1", 5)()
    code = lots.code("L1", 2)
    sell = partial(changes.change_one, BatchKey(lots.id, PRODUCT, "L1"), code, "dispensed", by="tester")
    answers = at_once([sell] * 8)
    assert not any(isinstance(answer, BatchyardError) for answer in answers), answers
    assert len([change for _, _, change in answers if change is not None]) == 1
    assert lots.statuses("L1") == [(2, COMMISSIONED), (1, "dispensed"), (2, COMMISSIONED)]


# Removal.


def _remove(lots: Collection, batch: str) -> partial[None]:
    return partial(operations.delete, BatchKey(lots.id, PRODUCT, batch))


def _must_exclude(lots: Collection, batch: str, removed: Any, changed: Any) -> None:
    if removed is None:
        assert isinstance(changed, NotFound), changed
        assert batch not in lots.batches()
    else:
        assert isinstance(removed, Conflict), removed
        assert isinstance(changed, dict), changed
        assert (1, "dispensed") in lots.statuses(batch)


def test_lot_removal_and_a_serial_change_exclude_each_other(lots: Collection) -> None:
    for number in range(8):
        id = f"L{number}"
        _create(lots, id, 10)()
        removed, changed = at_once([_remove(lots, id), _change(lots, id, "dispensed", (3, 1))])
        _must_exclude(lots, id, removed, changed)
    assert lots.handed_out() == 10 * 8
    lots.must_be_whole(wasted=None)


@pytest.mark.parametrize("pieces", [1, 2, 101])
def test_a_serial_is_changed_just_before_its_lot_is_removed(lots: Collection, pieces: int) -> None:
    """Also where the batch grew so often that its serials are more items than one transaction can remove."""
    for number in range(pieces):
        _create(lots, "L1", 1)() if not number else _grow(lots, "L1", number + 1)()
    assert len(lots.stretches()) == pieces
    with at_call(1, first(_change(lots, "L1", "dispensed", (pieces - 1, 1))), of="TransactWriteItems"):
        removed = lots.api.delete(lots.path("L1"))
    assert removed.status == 409, removed.text
    assert lots.batches().keys() == {"L1"}
    lots.must_be_whole()
    assert lots.api.delete(lots.path("L1", "?force=true")).status == 200
    assert not lots.batches()


def test_a_lot_is_removed_just_before_its_serial_is_changed(lots: Collection) -> None:
    _create(lots, "L1", 10)()
    with at_call(1, first(_remove(lots, "L1")), of="TransactWriteItems") as strike:
        changed = lots.change("L1", "dispensed", (3, 1))
    assert strike
    assert (changed.status, changed.json()["errorCode"]) == (404, "NOT_FOUND")
    assert lots.stretches() == []


def test_lot_growth_and_lot_removal_exclude_each_other(lots: Collection) -> None:
    for number in range(4):
        id = f"L{number}"
        _create(lots, id, 10)()
        removed, grown = at_once([_remove(lots, id), _grow(lots, id, 15)])
        assert removed is None, removed
        assert isinstance(grown, NotFound | ProductBatch), grown
    assert lots.batches() == {}
    assert lots.stretches() == []
