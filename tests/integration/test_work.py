"""The engine for long work, with a small kind of work of the test's own: whatever befalls a worker, each piece is done
once, and ends."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import Any, override

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from batchyard import clock
from batchyard.errors import Unavailable
from batchyard.jsontext import dumps
from batchyard.store import blobs, clients, items
from batchyard.store.blobs import UploadLost
from batchyard.store.items import Key
from batchyard.store.tables import EPHEMERA
from batchyard.store.unit import Unit, read_one, transact
from batchyard.work import deliveries, growing_file, overdue
from batchyard.work.growing_file import Became, GrowingFile
from batchyard.work.overdue import Watched
from batchyard.work.steps import Work
from tests.integration.conftest import SECRET
from tests.support.long_work import (
    HIDDEN_S,
    URL,
    Fault,
    Killed,
    Workers,
    answer_lost,
    killed_after,
    killed_before,
    out_of_reach,
)
from tests.support.uploads import take_small_parts, uploads

MINUTE, HOUR = 60, 3600
QUEUED, DONE, FAILED, CANCELLED = "queued", "done", "failed", "cancelled"
LOST_AFTER_US = HOUR * 1_000_000
STEP_S = 20.0
"""Seconds that a step takes here: four of them are a delivery."""

ALL_OF_IT_S = 70.0
"""Seconds after which there is no time for another step."""


@dataclass(frozen=True, slots=True)
class Table:
    """A piece of work: the multiplication table of a number, to be written to a file line by line.

    Args:
        number: Which one.
        length: How many lines it has.
        line: The next line; None behind the last one.
        total: The sum of what is written.
        ends: How often it ended.
        status: `queued`, `done`, `failed` or `cancelled`.
        reason: Why it failed.
        updated: When it got on, in microseconds since the Unix epoch.
        look_at: When it is looked at.
        upload, parts, size: The file.
        version: Counts its changes.
    """

    number: int
    length: int
    line: int | None = 0
    total: int = 0
    ends: int = 0
    status: str = QUEUED
    reason: str | None = None
    updated: int = 0
    look_at: int = 0
    upload: str | None = None
    parts: bytes = b""
    size: int = 0
    version: int = 0

    @property
    def name(self) -> dict[str, str]:
        return {"table": str(self.number)}

    @property
    def file(self) -> GrowingFile:
        return GrowingFile(f"exports/{self.number}.txt", "text/plain", self.upload, self.parts, self.size)

    def text(self, line: int) -> bytes:
        return f"{self.number} x {line:04} = {self.number * line}\n".encode()

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(map(self.text, range(self.length)))


def place(number: int) -> Key:
    return {"id": f"table#{number}", "at": 0}


def get(unit: Unit, number: int) -> Table | None:
    item = unit.get(EPHEMERA, place(number))
    if item is None:
        return None
    fields = {name: item[name] for name in Table.__slots__ if name in item}
    return Table(**{"line": None, **fields})  # type: ignore[arg-type]


def put(unit: Unit, table: Table) -> None:
    fields = {name: getattr(table, name) for name in Table.__slots__}
    unit.put(EPHEMERA, items.present({**place(table.number), **fields, "parts": table.parts or None}))


def store(table: Table) -> Table:
    transact(lambda unit: put(unit, table))
    return table


def now(number: int) -> Table:
    found = get(Unit(), number)
    assert found is not None
    return found


class Writing(Work[Table]):
    """The writing of tables.

    Args:
        before_a_step: What befalls the worker in the midst of a step.
    """

    given_up = "It could not be written."

    def __init__(self, before_a_step: Callable[[Table], None] = lambda _: None) -> None:
        self.before_a_step = before_a_step
        self.began: list[int | None] = []

    @override
    def find(self, named: Mapping[str, str]) -> Table | None:
        return get(Unit(), int(named["table"]))

    @override
    def is_over(self, state: Table) -> bool:
        return state.status != QUEUED

    @override
    def advance(self, state: Table) -> None:
        self.began.append(state.line)
        self.before_a_step(state)
        changes: dict[str, Any] = {}
        if state.line is None:
            grown = growing_file.complete(state.file)
        else:
            following = state.line + 1 if state.line + 1 < state.length else None
            grown = growing_file.append(state.file, state.text(state.line), last=following is None)
            changes = {"line": following, "total": state.total + state.number * state.line}
        if grown.became is Became.DONE:
            changes |= {"status": DONE, "ends": state.ends + 1}
        elif grown.became is Became.EMPTY:
            changes = {"line": 0, "total": 0}
        grown.settle(recorded=self._record(state, {**changes, **grown.file.kept}))

    @override
    def fail(self, state: Table, reason: str) -> None:
        ended = {"status": FAILED, "reason": reason, "ends": state.ends + 1, "upload": None, "parts": b""}
        if self._record(state, ended):
            growing_file.abort(state.file)

    @override
    def gone(self, state: Table) -> None:
        growing_file.abort(state.file)

    def _record(self, state: Table, changes: Mapping[str, Any]) -> bool:
        def operation(unit: Unit) -> bool:
            present = get(unit, state.number)
            if present is None or present.version != state.version:
                return False
            put(unit, replace(state, **changes, updated=clock.now()))
            return True

        return transact(operation)


class Tables(Watched):
    """Tables that are looked at, as if an index told which."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    @override
    def queue_url(self) -> str:
        return URL

    @override
    def due(self, now: int) -> Iterator[dict[str, str]]:
        for number in self.numbers:
            table = get(Unit(), number)
            if table is not None and table.look_at <= now:
                yield table.name

    @override
    def is_left(self, named: Mapping[str, str], now: int) -> bool:
        table = get(Unit(), int(named["table"]))
        return table is not None and table.status == QUEUED and table.updated <= now - LOST_AFTER_US

    @override
    def look_later(self, named: Mapping[str, str], now: int) -> None:
        def operation(unit: Unit) -> None:
            table = get(unit, int(named["table"]))
            if table is not None and table.status == QUEUED:
                put(unit, replace(table, look_at=now + LOST_AFTER_US))

        transact(operation)


_numbers = count(7)


class Scene:
    """A table to be written, and those who write it."""

    def __init__(self, patch: pytest.MonkeyPatch, length: int = 9) -> None:
        self.writing = Writing(self.befall)
        self.workers = Workers(lambda event, context: deliveries.work_on(event, context, URL, self.writing))
        self.workers.take_over(patch)
        self.step_s = STEP_S
        self.befalls: Callable[[Table], None] = lambda _: None
        self.number = next(_numbers)
        self.table = store(Table(self.number, length, updated=clock.now(), look_at=clock.now() + LOST_AFTER_US))
        self.workers.add(dumps(self.table.name))

    def befall(self, state: Table) -> None:
        self.workers.now_s += self.step_s
        self.befalls(state)

    @property
    def now(self) -> Table:
        return now(self.number)

    def announce_again(self) -> int:
        return overdue.announce_again(Tables(self.number), clock.now(), lambda: False)

    def must_be_done(self) -> None:
        """It is written, once and whole."""
        table = self.now
        assert (table.status, table.reason, table.ends) == (DONE, None, 1)
        assert table.total == sum(self.number * line for line in range(table.length))
        content = blobs.read(table.file.key)
        assert content == table.content
        assert table.size == len(content)
        assert (table.upload, table.parts) == (None, b"")


@pytest.fixture
def scene(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Scene:
    take_small_parts(monkeypatch, 10)
    return Scene(monkeypatch)


def test_work_makes_steps_while_there_is_time_and_goes_on_by_a_new_message(scene: Scene) -> None:
    found = []
    while scene.workers.deliver():
        found.append((round(scene.workers.now_s), len(scene.writing.began)))
    # Nine lines and the end of the file, four in a delivery: 35 seconds must be left for one.
    assert found == [(80, 4), (160, 8), (200, 10)]
    scene.must_be_done()


@pytest.mark.parametrize("length", [1, 2])
def test_a_short_file_is_written_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    scene = Scene(monkeypatch, length)
    scene.workers.run()
    scene.must_be_done()
    assert len(scene.writing.began) == (1 if length == 1 else 3)


FAULTS = [killed_before, killed_after, out_of_reach, answer_lost]


@pytest.mark.parametrize("fault", FAULTS)
def test_work_is_done_once_after_a_fault_at_any_call(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    take_small_parts(monkeypatch, 10)
    for number in count(1):
        with monkeypatch.context() as patch:
            scene = Scene(patch, 3)
            scene.workers.deliver({number: fault})
            if scene.workers.calls == 0 and not scene.workers.messages:
                scene.must_be_done()
                break
            began = scene.workers.now_s
            scene.workers.run()
            # Whoever is killed or cannot reach a service is followed within two minutes.
            assert scene.workers.now_s - began <= HIDDEN_S + 5 * STEP_S
            scene.must_be_done()
            # A file that is complete is not begun anew, though nobody could record it.
            lines = [3 if line is None else line for line in scene.writing.began]
            assert lines == sorted(lines)
    assert number > 15


@pytest.mark.parametrize("whole", [False, True], ids=["one step", "all steps"])
def test_work_is_done_once_though_another_worker_runs_at_any_moment(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    take_small_parts(monkeypatch, 10)
    for number in count(1):
        with monkeypatch.context() as patch:
            scene = Scene(patch, 4)
            struck: list[int] = []

            def overtaken(call: Any, scene: Scene = scene, struck: list[int] = struck) -> Any:
                struck.append(len(scene.writing.began))
                scene.workers.add(dumps(scene.table.name))
                scene.step_s = STEP_S if whole else ALL_OF_IT_S
                scene.workers.deliver()
                scene.step_s = 0
                if not whole:
                    assert len(scene.writing.began) <= struck[0] + 1
                return call()

            scene.workers.deliver({number: overtaken})
            scene.workers.run()
            scene.must_be_done()
            if not struck:
                break
    assert number > 15
    assert not uploads(stores)


def test_a_step_that_raises_each_time_ends_the_work_with_a_reason(scene: Scene, stores: dict[str, str]) -> None:
    def poisonous(state: Table) -> None:
        if state.line == 5:
            raise RuntimeError(SECRET)

    scene.befalls = poisonous
    scene.workers.run()
    assert (scene.now.status, scene.now.reason, scene.now.ends) == (FAILED, "It could not be written.", 1)
    # Deliveries of the message before do not count.
    assert scene.writing.began == [0, 1, 2, 3, 4, *[5] * (deliveries.DELIVERIES - 1)]
    assert scene.workers.dead == [scene.table.name]
    assert scene.workers.now_s < 20 * MINUTE
    assert not uploads(stores)


def test_a_step_that_kills_its_worker_each_time_ends_the_work_with_a_reason(scene: Scene) -> None:
    moments = []

    def poisonous(state: Table) -> None:
        if state.line == 5:
            moments.append(scene.workers.now_s)
            raise Killed

    scene.befalls = poisonous
    scene.workers.run()
    assert (scene.now.status, scene.now.reason, scene.now.ends) == (FAILED, "It could not be written.", 1)
    assert len(moments) == deliveries.DELIVERIES - 1
    assert all(later - earlier < 2 * MINUTE for earlier, later in pairwise(moments))
    assert scene.workers.dead == [scene.table.name]


@pytest.mark.parametrize("error", [Killed, RuntimeError])
def test_work_that_gets_on_a_step_at_a_time_is_done(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    take_small_parts(monkeypatch, 10)
    scene = Scene(monkeypatch, 40)
    steps = count()

    def every_second_one(_: Table) -> None:
        if next(steps) % 2:
            raise error

    scene.befalls = every_second_one
    assert scene.workers.run() > 4 * deliveries.DELIVERIES
    scene.must_be_done()
    assert not scene.workers.dead


def test_steps_that_leave_everything_as_it_was_end_the_work(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writing, "advance", lambda *_: None)
    scene.workers.run()
    assert (scene.now.status, scene.workers.dead) == (FAILED, [scene.table.name])


@pytest.mark.parametrize("down", [["dynamodb", "s3"], ["dynamodb"], ["s3"]], ids=" ".join)
@pytest.mark.parametrize("minutes", [1, 5, 30, 330])
def test_an_outage_ends_no_work(scene: Scene, down: list[str], minutes: int) -> None:
    scene.workers.deliver()
    ends_s = outage(scene, down, minutes)
    assert scene.now.status == QUEUED
    scene.workers.run()
    scene.must_be_done()
    assert not scene.workers.dead
    # Nobody waits longer than the outage was, or a quarter of an hour.
    assert scene.workers.now_s - ends_s <= min(max(minutes, 2), 15) * MINUTE + 10 * STEP_S


@pytest.mark.parametrize("minutes", [1, 5, 30])
def test_an_outage_of_which_nobody_can_be_told_ends_no_work(scene: Scene, minutes: int) -> None:
    scene.workers.deliver()
    outage(scene, ["dynamodb", "s3", "sqs"], minutes)
    scene.workers.run()
    if minutes == 30:
        # The message was delivered too often, but what is stored tells that work is left.
        assert scene.workers.dead == [scene.table.name]
        scene.workers.now_s += 2 * HOUR
        assert scene.announce_again() == 1
        scene.workers.run()
    scene.must_be_done()


def outage(scene: Scene, down: Iterable[str], minutes: int) -> float:
    """Has services out of reach for a while; returns when that ends."""
    scene.workers.down = frozenset(down)
    ends_s = scene.workers.now_s + minutes * MINUTE
    scene.workers.run(ends_s)
    scene.workers.now_s = max(scene.workers.now_s, ends_s)
    scene.workers.down = frozenset()
    return ends_s


def test_work_that_waits_for_a_service_is_tried_ever_more_rarely(scene: Scene) -> None:
    scene.workers.down = frozenset({"dynamodb"})
    assert scene.workers.run(5 * HOUR) < 40


def test_a_service_that_stays_out_of_reach_ends_the_work_with_a_reason(scene: Scene) -> None:
    scene.workers.down = frozenset({"s3"})
    scene.workers.run(7 * HOUR)
    assert scene.now.status == FAILED
    assert scene.workers.dead == [scene.table.name]
    assert scene.workers.now_s > deliveries.OUTAGE_S


def test_an_outage_does_not_count_from_when_its_message_was_sent(scene: Scene) -> None:
    scene.workers.now_s = 10 * HOUR
    outage(scene, ["s3"], 330)
    scene.workers.run()
    scene.must_be_done()


def test_work_that_got_on_after_an_outage_waits_anew(scene: Scene) -> None:
    """A second outage counts from its own beginning."""
    scene.workers.down = frozenset({"s3"})
    scene.workers.run(5 * HOUR)
    scene.workers.down = frozenset()

    def once_more(state: Table) -> None:
        if state.line == 2:
            scene.workers.down = frozenset({"s3"})

    scene.befalls = once_more
    scene.workers.run(scene.workers.now_s + 5 * HOUR)
    assert (scene.now.status, scene.now.line) == (QUEUED, 2)
    scene.workers.down, scene.befalls = frozenset(), lambda _: None
    scene.workers.run()
    scene.must_be_done()


def test_a_store_that_does_not_take_the_end_makes_a_dead_letter_and_work_that_is_found(scene: Scene) -> None:
    [message] = scene.workers.messages
    message.count = deliveries.DELIVERIES - 1
    scene.workers.down = frozenset({"dynamodb"})
    scene.workers.run()
    assert (scene.now.status, scene.workers.dead) == (QUEUED, [scene.table.name])
    scene.workers.down = frozenset()
    scene.workers.now_s = 2 * HOUR
    assert scene.announce_again() == 1
    scene.workers.run()
    scene.must_be_done()


@pytest.mark.parametrize("steps", range(10))
def test_canceled_work_is_not_continued(scene: Scene, stores: dict[str, str], steps: int) -> None:
    def cancel(_: Table) -> None:
        if len(scene.writing.began) == steps:
            scene.writing.fail(scene.now, "cancelled")

    scene.befalls = cancel
    if steps == 0:
        scene.writing.fail(scene.now, "cancelled")
    scene.workers.run()
    assert (scene.now.status, scene.now.reason, scene.now.ends) == (FAILED, "cancelled", 1)
    assert len(scene.writing.began) == steps
    assert not uploads(stores)


def test_a_step_that_fails_because_its_work_was_canceled_is_no_defect(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever cancels it may have cleaned up behind it already."""

    def cancel(_: Table) -> None:
        scene.writing.fail(scene.now, "cancelled")
        raise FileNotFoundError

    scene.befalls = cancel
    scene.workers.run()
    assert (scene.now.status, len(scene.writing.began)) == (FAILED, 1)
    assert not scene.workers.dead
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("line", [0, 1, 5, None])
def test_removed_work_leaves_nothing_behind(scene: Scene, stores: dict[str, str], line: int | None) -> None:
    def remove(state: Table) -> None:
        if state.line == line:
            clients.dynamodb().delete_item(TableName=EPHEMERA.name, Key=items.encode(place(scene.number)))

    scene.befalls = remove
    scene.workers.run()
    assert read_one(EPHEMERA, place(scene.number)) is None
    assert not uploads(stores)
    assert not scene.workers.dead


def test_work_that_nobody_was_told_of_is_announced_once_an_hour(scene: Scene) -> None:
    scene.workers.messages.clear()
    found = []
    for quarters in range(10):
        scene.workers.now_s = quarters * 15 * MINUTE
        found.append(scene.announce_again())
    assert found == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    scene.workers.run()
    scene.must_be_done()
    scene.workers.now_s = 9 * HOUR
    assert scene.announce_again() == 0


@pytest.mark.parametrize("lines", [1, 4, 9])
def test_a_file_that_s3_lost_begins_anew(scene: Scene, stores: dict[str, str], lines: int) -> None:
    lost: list[str] = []

    def lose(state: Table) -> None:
        if not lost and state.upload is not None and state.line == (lines if lines < 9 else None):
            lost.append(state.upload)
            blobs.abort(state.file.key, state.upload)

    scene.befalls = lose
    scene.workers.run()
    assert lost
    assert scene.writing.began.count(0) == 2
    scene.must_be_done()
    assert not uploads(stores)


def test_a_multipart_upload_of_a_failed_step_is_aborted(
    scene: Scene, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> bytes:
        assert uploads(stores)
        raise Unavailable

    monkeypatch.setattr(blobs, "write_part", refused)
    with pytest.raises(Unavailable):
        growing_file.append(scene.table.file, b"some", last=False)
    assert not uploads(stores)


@pytest.mark.parametrize("completed", [True, False])
def test_an_upload_that_s3_does_not_know_any_more_is_complete_or_lost(
    scene: Scene, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, completed: bool
) -> None:
    file = growing_file.append(scene.table.file, b"a first part\n", last=False).file
    if completed:
        growing_file.complete(file)

    def unknown(*_: Any) -> None:
        raise UploadLost

    monkeypatch.setattr(blobs, "complete", unknown)
    found = growing_file.complete(file)
    found.settle(recorded=True)
    assert found.became is (Became.DONE if completed else Became.EMPTY)
    assert (found.file.upload, found.file.parts, found.file.size) == (None, b"", 13 if completed else 0)
    assert not uploads(stores)


def test_an_empty_end_of_a_growing_file_is_no_part(scene: Scene) -> None:
    file = GrowingFile("exports/x", "text/plain")
    for text in (b"first of it\n", b"second of it\n", b""):
        file = growing_file.append(file, text, last=not text).file
    assert (len(file.parts), file.size) == (2 * blobs.RECEIPT, 25)
    done = growing_file.complete(file)
    assert (done.became, done.file.size) == (Became.DONE, 25)
    assert blobs.read(file.key) == b"first of it\nsecond of it\n"


class Machine(RuleBasedStateMachine):
    """Workers that are told twice, die, overtake each other and find no service; and somebody who cancels."""

    @initialize(length=st.integers(1, 12))
    def begin(self, length: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.scene = Scene(self.patch, length)
        self.seen = self.scene.table
        self.cancelled = False

    @property
    def workers(self) -> Workers:
        return self.scene.workers

    @rule(strikes=st.dictionaries(st.integers(1, 25), st.sampled_from(FAULTS), max_size=3))
    def deliver(self, strikes: dict[int, Fault]) -> None:
        # Nothing that a step does is to blame here.
        for message in self.workers.messages:
            message.count = min(message.count, 3)
        self.workers.deliver(strikes)

    @rule(number=st.integers(1, 25), strikes=st.dictionaries(st.integers(1, 25), st.sampled_from(FAULTS), max_size=1))
    def overtake(self, number: int, strikes: dict[int, Fault]) -> None:
        def overtaken(call: Any) -> Any:
            self.tell_twice()
            self.workers.deliver(strikes)
            return call()

        self.deliver({number: overtaken})

    @rule()
    def tell_twice(self) -> None:
        if len(self.workers.messages) < 4:
            self.workers.add(dumps(self.scene.table.name))

    @rule()
    def lose_a_message(self) -> None:
        if self.workers.messages:
            self.workers.messages.pop()

    @rule(down=st.sets(st.sampled_from(["dynamodb", "s3", "sqs"]), min_size=1), minutes=st.integers(1, 15))
    def outage(self, down: set[str], minutes: int) -> None:
        # All of them together, with nothing done in between, are less than what work waits for.
        for message in self.workers.messages:
            message.count = 0
        outage(self.scene, down, min(minutes, 5) if "sqs" in down else minutes)

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.workers.now_s += minutes * MINUTE
        self.scene.announce_again()

    @rule()
    def cancel(self) -> None:
        def operation(unit: Unit) -> None:
            table = get(unit, self.scene.number)
            assert table is not None
            if table.status == QUEUED:
                put(unit, replace(table, status=CANCELLED, ends=table.ends + 1))

        transact(operation)

    @invariant()
    def it_gets_on(self) -> None:
        if not hasattr(self, "scene"):
            return
        former, table = self.seen, self.scene.now
        assert table.status in {QUEUED, DONE, CANCELLED}
        assert table.ends == (table.status != QUEUED)
        if former.status != QUEUED:
            assert table == former
        last = table.length if table.line is None else table.line
        assert last >= (former.length if former.line is None else former.line)
        assert table.total == sum(table.number * line for line in range(last))
        self.seen = table

    def teardown(self) -> None:
        if not hasattr(self, "scene"):
            return
        try:
            self.must_end()
        finally:
            self.patch.undo()

    def must_end(self) -> None:
        for message in self.workers.messages:
            message.count = min(message.count, 3)
        self.workers.run()
        self.workers.now_s += 3 * HOUR
        self.scene.announce_again()
        self.workers.run()
        self.it_gets_on()
        assert not self.workers.messages
        assert not self.workers.dead
        if self.scene.now.status != CANCELLED:
            self.scene.must_be_done()


def test_work_behaves_like_the_model(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    take_small_parts(monkeypatch, 10)
    run_state_machine_as_test(Machine, settings=settings(max_examples=40, stateful_step_count=20, deadline=None))
