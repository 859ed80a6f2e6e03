"""Batches are made, grown, changed, undone and removed in any order; a plain model says what each must be told."""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from batchyard.product_batches import runs
from batchyard.product_batches.runs import STATUSES
from batchyard.store import clients
from batchyard.store.tables import PRODUCT_BATCHES
from tests.support.api import EVERYTHING, Answer, Api
from tests.support.lots import refusal

LEFT_TO = {"decommissioned": {"destroyed"}, "destroyed": set[str]()}
UNKNOWN = "UNKNOWN_SERIAL"

ids = st.sampled_from(["A", "A", "B"])
statuses = st.sampled_from([*STATUSES, "decommissioned", "stolen"])
quantities = st.integers(0, 60)
picks = st.integers(0, 10_000)
ranges = st.lists(st.tuples(st.integers(0, 59), st.integers(1, 15)), min_size=1, max_size=5)


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
    changes: dict[str, Change] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """One collection with up to two batches, and the same as plain lists."""

    collections = count()

    def __init__(self) -> None:
        super().__init__()
        self.api = Api(replace(EVERYTHING, requests_per_minute=1_000_000))
        self.root = f"/admin/collection/c{next(self.collections)}"
        self.batches = f"{self.root}/product/p/batch"
        self.lots: dict[str, Lot] = {}
        self.printed: list[str] = []
        self.made: list[tuple[str, str]] = []

    def teardown(self) -> None:
        # Transactions on moto take the longer the more a table holds.
        for item in clients.dynamodb().scan(TableName=PRODUCT_BATCHES.name)["Items"]:
            key = {name: item[name] for name in PRODUCT_BATCHES.key}
            clients.dynamodb().delete_item(TableName=PRODUCT_BATCHES.name, Key=key)

    # What clients do.

    @initialize(quantity=st.integers(20, 60))
    def begin(self, quantity: int) -> None:
        self.create("A", quantity)

    @rule(id=ids, quantity=quantities)
    def create(self, id: str, quantity: int) -> None:
        lot = self.lots.get(id)
        answer = self.api.post(self.batches, {"id": id, "quantity": quantity})
        if lot is None:
            assert answer.status == 200, answer.text
            self.lots[id] = Lot()
            self._print(id, quantity)
        elif len(lot.serials) == quantity:
            assert answer.status == 200, answer.text
        else:
            assert self._refused(answer, 409, "BATCH_EXISTS")

    @rule(id=ids, quantity=quantities)
    def grow(self, id: str, quantity: int) -> None:
        lot = self.lots.get(id)
        answer = self.api.put(f"{self.batches}/{id}", {"quantity": quantity})
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
        elif quantity < len(lot.serials):
            assert self._refused(answer, 400, "VALIDATION_ERROR")
        else:
            assert (answer.status, answer.json()["quantity"]) == (200, quantity)
            self._print(id, quantity)

    @rule(id=ids, status=statuses, wanted=ranges, careful=st.sampled_from([True, True, True, False]))
    def change(self, id: str, status: str, wanted: list[tuple[int, int]], careful: bool) -> None:
        lot = self.lots.get(id)
        if careful and lot and lot.serials:
            wanted = tidy(wanted, len(lot.serials))
        body = {"status": status, "ranges": [{"startIndex": start, "count": size} for start, size in wanted]}
        answer = self.api.post(f"{self.batches}/{id}/serialChange", body)
        numbers = [number for start, size in wanted for number in range(start, start + size)]
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
        elif max(numbers) >= len(lot.serials) or len(set(numbers)) < len(numbers):
            assert self._refused(answer, 400, "VALIDATION_ERROR")
        else:
            assert answer.status == 200, answer.text
            self._changed(id, answer.json(), numbers, status)

    @rule(pick=picks, status=statuses)
    def change_one(self, pick: int, status: str) -> None:
        if not self.printed:
            return
        code = self.printed[pick % len(self.printed)]
        for id in ("A", "B"):
            answer = self.api.patch(f"{self.batches}/{id}/serial/{code}", {"status": status})
            lot = self.lots.get(id)
            number = None if lot is None else self._number(lot, code)
            if lot is None:
                assert self._refused(answer, 404, "NOT_FOUND")
            elif number is None:
                assert self._refused(answer, 404, UNKNOWN)
            elif self._may_become(lot.serials[number].status, status):
                facts = answer.json()
                assert facts == {"code": code, "index": number, "status": status, "changeId": facts["changeId"]}
                [change] = self.api.get(f"{self.batches}/{id}/serialChange?limit=1").json()
                assert change["id"] == facts["changeId"]
                self._changed(id, change, [number], status)
            elif lot.serials[number].status == status:
                assert (answer.status, answer.json()["changeId"]) == (200, None)
            else:
                assert self._refused(answer, 409, "FINAL_STATUS")

    @rule(pick=picks)
    def undo(self, pick: int) -> None:
        if not self.made:
            return
        # Those made last are the ones that can be undone.
        id, change_id = self.made[-1 - min(pick % 7, pick % len(self.made))]
        answer = self.api.post(f"{self.batches}/{id}/serialChange/{change_id}/undo")
        lot = self.lots.get(id)
        change = None if lot is None else lot.changes.get(change_id)
        if lot is None or change is None:
            assert self._refused(answer, 404, "NOT_FOUND")
        elif change.answer["undoneBy"]:
            assert answer.json() == change.answer
        elif since := [number for number in sorted(change.before) if lot.serials[number].change != change_id]:
            later = lot.serials[since[0]].change
            assert answer.json()["details"] == {"index": since[0], "changeId": later}
            assert self._refused(answer, 409, "CHANGED_SINCE")
        else:
            undone = answer.json()
            assert undone == {**change.answer, "undoneBy": "tester", "undoneAt": undone["undoneAt"]}
            change.answer = undone
            for number, (status, brought_by) in change.before.items():
                lot.serials[number].status, lot.serials[number].change = status, brought_by

    @rule(id=ids, force=st.booleans())
    def delete(self, id: str, force: bool) -> None:
        lot = self.lots.get(id)
        answer = self.api.delete(f"{self.batches}/{id}{'?force=true' if force else ''}")
        used = [
            (number, one.status) for number, one in enumerate(lot.serials if lot else ()) if one.status != STATUSES[0]
        ]
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
        elif used and not force:
            assert answer.json()["details"] == {"index": used[0][0], "status": used[0][1]}
            assert self._refused(answer, 409, "SERIALS_IN_USE")
        else:
            assert answer.status == 200, answer.text
            del self.lots[id]

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
        assert verified.status == 429 or verified.json()["valid"] == (
            serial.status in {"commissioned", "active", "dispensed", "sample"}
        )

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

    @rule(id=ids)
    def tell(self, id: str) -> None:
        lot = self.lots.get(id)
        answer = self.api.get(f"{self.batches}/{id}/serialChange?limit=100")
        if lot is None:
            assert self._refused(answer, 404, "NOT_FOUND")
        else:
            assert answer.json() == [change.answer for change in reversed(lot.changes.values())][:100]

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

    @staticmethod
    def _may_become(present: str, wanted: str) -> bool:
        return present != wanted and wanted in LEFT_TO.get(present, {*STATUSES})

    @staticmethod
    def _number(lot: Lot, code: str) -> int | None:
        return next((number for number, one in enumerate(lot.serials) if one.code == code), None)

    @staticmethod
    def _refused(answer: Answer, status: int, code: str) -> bool:
        return (answer.status, answer.json()["errorCode"]) == (status, code)


@pytest.mark.usefixtures("stores")
def test_serials_are_what_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that stretches are cut in pieces within these small batches too.
    monkeypatch.setattr(runs, "MOST_RUNS", 6)
    monkeypatch.setattr("batchyard.product_batches.repository._SMALLEST_PIECE", 3)
    run_state_machine_as_test(Machine, settings=settings(max_examples=15, stateful_step_count=25, deadline=None))
