"""Batches are made, grown, changed, undone and removed in any order; a plain model says what each must be told.

Between the requests the key is rotated, the change stream and the clean-up are delivered, late and more than once, and
requests overtake each other: one is answered whole between another's reading and its writing.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from batchyard.product_batches.serials import runs
from batchyard.product_batches.serials.statuses import STATUSES
from batchyard.serial_codes import keys
from batchyard.serial_codes.codes import VERSIONS
from batchyard.store import clients
from batchyard.store.tables import PRODUCT_BATCHES
from product_batches import publish
from tests.support.api import Answer, Api, narrowed
from tests.support.clean_up import cleaned, left
from tests.support.lots import refusal
from tests.support.messages import drained
from tests.support.overtaking import before_the_first_commit
from tests.support.streams import Stream, deliver

LEFT_TO = {"decommissioned": {"destroyed"}, "destroyed": set[str](), "sample": {"decommissioned", "destroyed"}}
UNKNOWN = "UNKNOWN_SERIAL"
NEW = STATUSES[0]

ids = st.sampled_from(["A", "A", "B"])
statuses = st.sampled_from([*STATUSES, "decommissioned", "stolen"])
quantities = st.integers(0, 60)
picks = st.integers(0, 10_000)
ranges = st.lists(st.tuples(st.integers(0, 59), st.integers(1, 15)), min_size=1, max_size=5)
careful = st.sampled_from([True, True, True, False])
plans = st.one_of(
    st.tuples(st.just("create"), ids, quantities),
    st.tuples(st.just("grow"), ids, quantities),
    st.tuples(st.just("change"), ids, statuses, ranges, careful),
    st.tuples(st.just("change_one"), ids, picks, statuses),
    st.tuples(st.just("undo"), picks),
    st.tuples(st.just("delete"), ids, st.sampled_from([False, False, True])),
)


def tidy(wanted: list[tuple[int, int]], quantity: int) -> list[tuple[int, int]]:
    """Ranges that a batch of so many serials has, none over another."""
    found: list[tuple[int, int]] = []
    free = 0
    for start, size in sorted((start % quantity, size) for start, size in wanted):
        begin, end = max(start, free), min(start + size, quantity)
        if begin < end:
            found.append((begin, end - begin))
            free = end
    return found


@dataclass
class Serial:
    """What is known of one serial."""

    code: str
    status: str = "commissioned"
    change: str = ""


@dataclass
class Change:
    """What is known of one change of them."""

    answer: dict[str, Any]
    before: dict[int, tuple[str, str]]


@dataclass
class Lot:
    """A batch: its serials, and what happened to them."""

    serials: list[Serial] = field(default_factory=list)
    verified: bool = False
    on_sheet: bool = False
    changes: dict[str, Change] = field(default_factory=dict)


@dataclass(frozen=True)
class Write:
    """A request that may change something, and what the model says of its answer.

    Args:
        send: Sends it.
        check: Compares its answer with what the model says, which then is as the request left it.
        idle: Whether it found nothing to do, by its answer.
        batch: The batch whose serials it changes, if it does.
    """

    send: Callable[[], Answer]
    check: Callable[[Answer], None]
    idle: Callable[[Answer], bool]
    batch: str | None = None


class Machine(RuleBasedStateMachine):
    """One collection with up to two batches, and the same as plain lists."""

    collections = count()
    stream: Stream
    queue: str

    def __init__(self) -> None:
        super().__init__()
        self.api = Api(narrowed(requests_per_minute=1_000_000))
        self.collection = f"c{next(self.collections)}"
        self.root = f"/admin/collection/{self.collection}"
        self.batches = f"{self.root}/product/p/batch"
        self.lots: dict[str, Lot] = {}
        self.printed: list[str] = []
        self.made: list[tuple[str, str]] = []
        self.removed: list[Any] = []
        self.history: dict[str, dict[str, Any]] = {}

    def teardown(self) -> None:
        try:
            for id in self.lots:
                assert self.api.delete(f"{self.batches}/{id}?force=true").status == 200
            self.publish(again=False)
            while self.removed:
                self.clean_up(0, again=False)
            assert left(self.collection) == {"counter"}
        finally:
            # Transactions on moto take the longer the more a table holds.
            for item in clients.dynamodb().scan(TableName=PRODUCT_BATCHES.name)["Items"]:
                key = {name: item[name] for name in PRODUCT_BATCHES.key}
                clients.dynamodb().delete_item(TableName=PRODUCT_BATCHES.name, Key=key)

    # What clients do.

    @initialize(quantity=st.integers(20, 60))
    def begin(self, quantity: int) -> None:
        self.write(("create", "A", quantity))

    @rule(plan=plans)
    def write(self, plan: Any) -> None:
        write = self._planned(plan)
        write.check(write.send())

    @rule(plan=plans)
    def write_more(self, plan: Any) -> None:
        self.write(plan)

    @rule(plan=plans)
    def write_still_more(self, plan: Any) -> None:
        self.write(plan)

    @rule(slow=plans, fast=plans)
    def overtake(self, slow: Any, fast: Any) -> None:
        overtaken, before = self._planned(slow), deepcopy(self.lots)
        present = self.lots
        overtook = []

        def overtaking() -> None:
            overtook.append(fast)
            self.write(fast)

        with before_the_first_commit(overtaking):
            answer = overtaken.send()
        if overtook and overtaken.idle(answer):
            # It counts as if it had been there first.
            self.lots = before
            overtaken.check(answer)
            self.lots = present
        elif overtook and answer.status == 200 and overtaken.batch in before.keys() - present.keys():
            # So does what became of serials, when the batch went without a look at them.
            assert fast == ("delete", overtaken.batch, True)
            told = answer.json()
            if "undoneBy" in told:
                # What is kept of a removed batch tells of it, too.
                self.history[overtaken.batch][told["id"]] = told
        else:
            overtaken.check(answer)

    def _planned(self, plan: Any) -> Write:
        kind, *arguments = plan
        write: Write = getattr(self, f"_{kind}")(*arguments)
        return write

    def _create(self, id: str, quantity: int) -> Write:
        size = self._size(id)

        def check(answer: Answer) -> None:
            lot = self.lots.get(id)
            if lot is None:
                assert answer.status == 200, answer.text
                self.lots[id] = Lot()
                self._print(id, quantity)
            elif len(lot.serials) == quantity:
                assert answer.status == 200, answer.text
            else:
                assert self._refused(answer, 409, "BATCH_EXISTS")

        return Write(
            lambda: self.api.post(self.batches, {"id": id, "quantity": quantity}),
            check,
            lambda answer: answer.status == 200 and size == quantity,
        )

    def _grow(self, id: str, quantity: int) -> Write:
        size = self._size(id)

        def check(answer: Answer) -> None:
            lot = self.lots.get(id)
            if lot is None:
                assert self._refused(answer, 404, "NOT_FOUND")
            elif quantity < len(lot.serials):
                assert self._refused(answer, 400, "VALIDATION_ERROR")
            else:
                assert (answer.status, answer.json()["quantity"]) == (200, quantity)
                self._print(id, quantity)

        return Write(
            lambda: self.api.put(f"{self.batches}/{id}", {"quantity": quantity}),
            check,
            lambda answer: answer.status == 200 and size == quantity,
        )

    def _change(self, id: str, status: str, wanted: list[tuple[int, int]], careful: bool) -> Write:
        if careful and self._size(id):
            wanted = tidy(wanted, len(self.lots[id].serials))
        body = {"status": status, "ranges": [{"startIndex": start, "count": size} for start, size in wanted]}
        numbers = [number for start, size in wanted for number in range(start, start + size)]

        def check(answer: Answer) -> None:
            lot = self.lots.get(id)
            if lot is None:
                assert self._refused(answer, 404, "NOT_FOUND")
            elif max(numbers) >= len(lot.serials) or len(set(numbers)) < len(numbers):
                assert self._refused(answer, 400, "VALIDATION_ERROR")
            else:
                assert answer.status == 200, answer.text
                self._changed(id, answer.json(), numbers, status)

        return Write(
            lambda: self.api.post(f"{self.batches}/{id}/serialChange", body),
            check,
            lambda answer: answer.status == 200 and answer.json()["id"] is None,
            id,
        )

    def _change_one(self, id: str, pick: int, status: str) -> Write:
        code = self.printed[pick % len(self.printed)]

        def check(answer: Answer) -> None:
            lot = self.lots.get(id)
            number = None if lot is None else self._number(lot, code)
            if lot is None:
                assert self._refused(answer, 404, "NOT_FOUND")
            elif number is None:
                assert self._refused(answer, 404, UNKNOWN)
            elif self._may_become(lot.serials[number].status, status):
                facts = answer.json()
                assert facts == {"code": code, "index": number, "status": status, "changeId": facts["changeId"]}
                changes = self.api.get(f"{self.batches}/{id}/serialChange?limit=100").json()
                [change] = [change for change in changes if change["id"] == facts["changeId"]]
                self._changed(id, change, [number], status)
            elif lot.serials[number].status == status:
                assert (answer.status, answer.json()["changeId"]) == (200, None)
            else:
                assert self._refused(answer, 409, "FINAL_STATUS")

        return Write(
            lambda: self.api.patch(f"{self.batches}/{id}/serial/{code}", {"status": status}),
            check,
            lambda answer: answer.status == 200 and answer.json()["changeId"] is None,
            id,
        )

    def _undo(self, pick: int) -> Write:
        # Those made last are the ones that can be undone.
        id, change_id = self.made[-1 - min(pick % 7, pick % len(self.made))] if self.made else ("A", "none")
        known = self._change_of(id, change_id)
        undone = known is not None and known.answer["undoneBy"] is not None

        def check(answer: Answer) -> None:
            change = self._change_of(id, change_id)
            if change is None:
                assert self._refused(answer, 404, "NOT_FOUND")
                return
            serials = self.lots[id].serials
            if change.answer["undoneBy"]:
                assert answer.json() == change.answer
            elif since := [number for number in sorted(change.before) if serials[number].change != change_id]:
                assert answer.json()["details"] == {"index": since[0], "changeId": serials[since[0]].change}
                assert self._refused(answer, 409, "CHANGED_SINCE")
            else:
                taken_back = answer.json()
                assert taken_back == {**change.answer, "undoneBy": "tester", "undoneAt": taken_back["undoneAt"]}
                change.answer = taken_back
                for number, (status, brought_by) in change.before.items():
                    serials[number].status, serials[number].change = status, brought_by

        return Write(
            lambda: self.api.post(f"{self.batches}/{id}/serialChange/{change_id}/undo"),
            check,
            lambda answer: answer.status == 200 and undone,
            id,
        )

    def _delete(self, id: str, force: bool) -> Write:
        def check(answer: Answer) -> None:
            lot = self.lots.get(id)
            used = [(number, one.status) for number, one in enumerate(lot.serials if lot else ()) if one.status != NEW]
            if lot is None:
                assert self._refused(answer, 404, "NOT_FOUND")
            elif used and not force:
                assert answer.json()["details"] == {"index": used[0][0], "status": used[0][1]}
                assert self._refused(answer, 409, "SERIALS_IN_USE")
            elif (lot.on_sheet or lot.verified) and not force:
                assert answer.json()["details"] == {"reason": "printed" if lot.on_sheet else "verified"}
                assert self._refused(answer, 409, "IN_CIRCULATION")
            else:
                assert answer.status == 200, answer.text
                told = {change: known.answer for change, known in self.lots.pop(id).changes.items()}
                self.history[id] = self.history.get(id, {}) | told

        return Write(
            lambda: self.api.delete(f"{self.batches}/{id}{'?force=true' if force else ''}"), check, lambda _: False
        )

    # What happens meanwhile.

    @rule(again=st.booleans())
    def publish(self, again: bool) -> None:
        records = self.stream.read()
        for _ in range(2 if again else 1):
            assert deliver(publish.handler, records) == {"batchItemFailures": []}
        self.removed += drained(self.queue)

    @rule(pick=picks, again=st.booleans())
    def clean_up(self, pick: int, again: bool) -> None:
        if self.removed:
            at = pick % len(self.removed)
            assert cleaned(self.removed[at] if again else self.removed.pop(at)) == []

    @rule()
    def rotate(self) -> None:
        if keys.current_version() < VERSIONS:
            keys.rotate()

    # What everybody may ask.

    @rule(pick=picks)
    def look_up(self, pick: int) -> None:
        if not self.printed:
            return
        code = self.printed[pick % len(self.printed)]
        owners = {id: number for id, lot in self.lots.items() if (number := self._number(lot, code)) is not None}
        answer = self.api.get(f"{self.root}/lookupSN/{code}")
        if not owners:
            assert answer.json() == refusal(404, UNKNOWN, "The code is none of these serials.")
            return
        [(id, number)] = owners.items()
        serial = self.lots[id].serials[number]
        found = answer.json()
        facts = (found["batchId"], found["index"], found["status"], found["changeId"])
        assert facts == (id, number, serial.status, serial.change or None)
        verified = Api(None).get(f"{self.root.replace('/admin/', '/public/')}/verifySN/{code}")
        if verified.status != 429:
            assert verified.json()["valid"] == (serial.status in {"commissioned", "active", "dispensed", "sample"})
            assert verified.json()["status"] == ("recalled" if serial.status == "recalled" else None)
            self.lots[id].verified = True

    @rule(id=ids, start=st.integers(0, 70), size=st.integers(1, 70))
    def page(self, id: str, start: int, size: int) -> None:
        lot = self.lots.get(id)
        answer = self.api.get(f"{self.batches}/{id}/getSN?startIndex={start}&count={size}")
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
            return
        wanted = lot.serials[start : start + size]
        following = start + len(wanted)
        assert answer.json() == {
            "items": [
                {"index": number, "code": one.code, "digitalLink": None, "status": one.status}
                for number, one in enumerate(wanted, start)
            ],
            "startIndex": start,
            "count": len(wanted),
            "total": len(lot.serials),
            "nextStartIndex": following if wanted and following < len(lot.serials) else None,
        }

    @rule(id=ids, start=st.integers(0, 70))
    def print_one(self, id: str, start: int) -> None:
        lot = self.lots.get(id)
        answer = self.api.get(f"{self.batches}/{id}/sheet?startIndex={start}&count=1")
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
            return
        assert answer.status == 200
        lot.on_sheet |= start < len(lot.serials)

    @rule(id=ids)
    def tell(self, id: str) -> None:
        lot = self.lots.get(id)
        answer = self.api.get(f"{self.batches}/{id}/serialChange?limit=100")
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
        else:
            assert answer.json() == [lot.changes[change].answer for change in sorted(lot.changes, reverse=True)][:100]
        former = self.history.get(id, {})
        answer = self.api.get(f"{self.batches}/{id}/serialChange?limit=100&removed=true")
        assert answer.json() == [former[change] for change in sorted(former, reverse=True)][:100]

    @invariant()
    def batches_are_those_of_the_model(self) -> None:
        found = self.api.get(f"{self.root}/batch").json()
        assert [(one["id"], one["quantity"]) for one in found] == [
            (id, len(lot.serials)) for id, lot in sorted(self.lots.items())
        ]

    # What that means for the model.

    def _print(self, id: str, quantity: int) -> None:
        """Takes in the new codes of a batch: they are new indeed, and the old ones are as they were."""
        lot = self.lots[id]
        items = self.api.get(f"{self.batches}/{id}/getSN?count=10000").json()["items"]
        codes = [item["code"] for item in items]
        present = len(lot.serials)
        assert len(codes) == quantity
        assert codes[:present] == [one.code for one in lot.serials]
        assert len({*self.printed, *codes[present:]}) == len(self.printed) + quantity - present
        lot.serials += [Serial(code) for code in codes[present:]]
        self.printed += codes[present:]

    def _changed(self, id: str, answer: dict[str, Any], numbers: list[int], status: str) -> None:
        lot = self.lots[id]
        before = {
            number: (lot.serials[number].status, lot.serials[number].change)
            for number in numbers
            if self._may_become(lot.serials[number].status, status)
        }
        assert (answer["changed"], answer["left"]) == (len(before), len(numbers) - len(before))
        assert (answer["status"], answer["by"], answer["undoneBy"]) == (status, "tester", None)
        assert (answer["id"] is None) == (not before)
        if before:
            for number in before:
                lot.serials[number].status, lot.serials[number].change = status, answer["id"]
            lot.changes[answer["id"]] = Change(answer, before)
            self.made.append((id, answer["id"]))

    def _size(self, id: str) -> int | None:
        return len(self.lots[id].serials) if id in self.lots else None

    def _change_of(self, id: str, change_id: str) -> Change | None:
        return self.lots[id].changes.get(change_id) if id in self.lots else None

    @staticmethod
    def _may_become(present: str, wanted: str) -> bool:
        return present != wanted and wanted in LEFT_TO.get(present, {*STATUSES})

    @staticmethod
    def _number(lot: Lot, code: str) -> int | None:
        return next((number for number, one in enumerate(lot.serials) if one.code == code), None)

    @staticmethod
    def _refused(answer: Answer, status: int, code: str) -> bool:
        return (answer.status, answer.json()["errorCode"]) == (status, code)


@pytest.fixture
def machine(
    event_queue: str, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> type[Machine]:
    """The machine, on queues and a change stream that nobody used yet."""
    # So that stretches are cut in pieces within these small batches too.
    monkeypatch.setattr(runs, "MOST_RUNS", 6)
    monkeypatch.setattr("batchyard.product_batches.serials.repository._SMALLEST_PIECE", 3)
    monkeypatch.setattr(Machine, "stream", lot_stream, raising=False)
    monkeypatch.setattr(Machine, "queue", leftovers_queue, raising=False)
    return Machine


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("fast", [False, True])
def test_one_of_two_concurrent_lot_removals_is_404(machine: type[Machine], slow: bool, fast: bool) -> None:
    state = machine()
    state.begin(20)
    state.overtake(("delete", "A", slow), ("delete", "A", fast))
    state.batches_are_those_of_the_model()
    state.teardown()


def test_serials_behave_like_the_model(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=30, deadline=None))
