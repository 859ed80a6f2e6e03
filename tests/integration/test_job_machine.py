"""Imports, removals and exports in any order, with workers that die, repeat themselves and overtake each other.

A model (`tests.support.job_model`) looks at all that is stored before and after each step of each job, and says what it
may have become. At the end all work is done, everything that is stored is accounted for, and all is taken back.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from batch_jobs import look, start, work
from batchyard import clock, threads, ulids
from batchyard.batch_jobs import product_delete, product_import, spool
from batchyard.batch_jobs.imports import gates, taking_back
from batchyard.batch_jobs.rules import (
    COMPLETED,
    CONFIRMED,
    DELETE,
    ENDED,
    EXPORT,
    IMPORT,
    KEPT_SECONDS,
    PRE_PROCESSED,
    PROCESSING,
    UNDO_WITHIN_US,
    Job,
)
from batchyard.catalogue import operations, reference
from batchyard.catalogue.repository import Taken
from batchyard.catalogue.rules import DRAFT, Price, Product, Variant
from batchyard.errors import Contended, Invalid, Unavailable
from batchyard.http import limits
from batchyard.store import blobs, clients, contents
from batchyard.store.tables import BATCH_JOBS, CATALOGUE, PRODUCTS
from batchyard.work import deliveries
from catalogue import clean_up, publish
from tests.support import permissions
from tests.support.api import Api, Context, narrowed
from tests.support.aws import keys_in_bucket
from tests.support.importing import Importer
from tests.support.job_model import HEADER, Asked, Model, Row
from tests.support.jobs import JOBS, PLENTY_MS, JobWorkers, let_in
from tests.support.long_work import (
    URL,
    Call,
    Fault,
    Message,
    Workers,
    answer_lost,
    killed_after,
    killed_before,
    out_of_reach,
)
from tests.support.streams import Stream, deliver, deliver_messages, held, kept_tables
from tests.support.uploads import uploads

LEFTOVERS = "https://leftovers"
CENTRE = 7
MOST_JOBS = 7

picks = st.integers(0, 99)
handles = st.sampled_from(["a", "b", "c"])
skus = st.sampled_from(["S1", "S2", "S3", "S4", "S5"])
titles = st.sampled_from(["Hat", "Cap", "Hood " * 9])
quantities = st.sampled_from([None, 0, 1, 5])
prices = st.sampled_from([100, 100, 250, 250, None])
steps = st.sampled_from([1, 1, 1, 2, 4, 50])
faults = st.sampled_from([killed_after, answer_lost, killed_before, out_of_reach])
named = st.sampled_from([False, False, False, True])
given = st.lists(
    st.tuples(handles, titles, skus, quantities, prices, named), min_size=1, max_size=4, unique_by=lambda one: one[2]
)
imports = st.tuples(st.just("import"), given, st.booleans(), st.booleans(), st.sampled_from([True, True, False]))
removals = st.tuples(st.just("remove"), st.sets(handles, min_size=1, max_size=2), st.booleans(), st.booleans())
exports = st.tuples(st.just("export"), st.booleans())
acts = st.tuples(st.just("act"), picks, st.sampled_from(["confirm", "cancel", "cancel", "undo", "undo"]))
changes = ["title", "handle", "sku", "stock", "elsewhere", "label", "removal", "creation"]
edits = st.tuples(
    st.just("edit"), picks, st.sampled_from(changes),
    handles, skus, quantities,
)  # fmt: skip
works = st.tuples(st.just("work"), picks, steps)
stops = st.tuples(st.just("stop"), st.sampled_from([2, 4, 50, 50]))
phases = st.sampled_from(["any", "writing", "writing", "over"])
calls_before = st.integers(1, 12)


class Strike(NamedTuple):
    """What happens to a call of a delivery, counted from the first step that finds its job in some phase."""

    phase: str
    number: int
    fault: Fault

    def is_due(self, job: Job) -> bool:
        """Whether it is the phase of a job."""
        return {"any": True, "writing": job.status in {CONFIRMED, PROCESSING}, "over": job.has_ended}[self.phase]


class Hands(Workers):
    """Workers who are looked at before each of their steps, of which they make so many."""

    steps = 0
    look: Callable[[], None]
    left: list[str]

    def get_remaining_time_in_millis(self) -> int:
        self.look()
        self.steps -= 1
        return PLENTY_MS if self.steps >= 0 else 0

    def _sqs(self, operation: str, parameters: Any) -> Any:
        if parameters["QueueUrl"] != LEFTOVERS:
            return super()._sqs(operation, parameters)
        self.left += [entry["MessageBody"] for entry in parameters["Entries"]]
        return {}


class Machine(RuleBasedStateMachine):
    """A catalogue of up to three products, and jobs that change it."""

    hands: Hands
    load: Importer
    stores: dict[str, str]
    bring_back: Callable[[], None]
    defects: list[BaseException]
    numbers: list[Iterator[int]]

    def __init__(self) -> None:
        super().__init__()
        type(self).bring_back()
        for key in keys_in_bucket(self.stores):
            clients.s3().delete_object(Bucket=blobs.bucket(), Key=key)
        self.api = self.load.api
        self._follow_from_here()
        self.hands.messages.clear()
        self.hands.now_s = 0
        limits.reset()
        self.numbers[0] = count()
        self.hands.left = []
        self.hands.look = self._look
        self.defects.clear()
        self.model = Model()
        self.who, self.editors = "nobody", count(1)
        self.failure: AssertionError | None = None
        self.is_disturbed = False
        self.waiting: Strike | None = None

    def _follow_from_here(self) -> None:
        self.streams = {table: Stream(table) for table in (BATCH_JOBS, PRODUCTS, CATALOGUE)}
        for stream in self.streams.values():
            stream.read()

    def kept(self) -> Callable[[], None]:
        """What brings all back to what it is now, apart from what is in S3."""
        bring_back, model, now_s = kept_tables(), deepcopy(self.model), self.hands.now_s
        bodies = [message.body for message in self.hands.messages]

        def begin_anew() -> None:
            bring_back()
            self.model, self.hands.now_s, self.is_disturbed = deepcopy(model), now_s, False
            limits.reset()
            self.hands.messages.clear()
            for body in bodies:
                self.hands.add(body)
            self._follow_from_here()

        return begin_anew

    # Jobs.

    @initialize(given=given)
    def begin(self, given: Any) -> None:
        self.do(("import", given, False, True, True))
        self.finish()

    @rule(plan=imports)
    def load_file(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=removals)
    def remove(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=exports)
    def export(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=acts)
    def act(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=edits)
    def edit(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=works)
    def work(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=works)
    def work_more(self, plan: Any) -> None:
        self.do(plan)

    @rule(plan=works, phase=phases, number=calls_before, fault=faults)
    def strike(self, plan: Any, phase: str, number: int, fault: Fault) -> None:
        """Works, and a call to AWS goes wrong."""
        self.do((*plan, Strike(phase, number, fault)))

    @rule(plan=works, phase=phases, number=calls_before, inner=st.one_of(acts, edits, works, stops, stops))
    def overtake(self, plan: Any, phase: str, number: int, inner: Any) -> None:
        """Works, and something else is done between two calls to AWS."""

        def overtaking(call: Call) -> Any:
            self._aside(inner)
            return call()

        self.do((*plan, Strike(phase, number, overtaking)))

    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """A message comes once more, also of what is over."""
        if self.model.asked:
            self.hands.add(json.dumps({"job": self._job(pick)}))

    @rule(again=st.booleans())
    def follow(self, again: bool = False) -> None:
        records = self.streams[BATCH_JOBS].read()
        for _ in range(1 + again):
            assert deliver(start.handler, records) == {"batchItemFailures": []}

    @rule()
    def finish(self) -> None:
        """Does all work that there is."""
        for _ in range(100):
            self.follow()
            if not self.hands.messages:
                break
            self.do(("work", 0, 50))
        else:
            raise AssertionError("it does not end")

    # What happens meanwhile.

    @rule(again=st.booleans())
    def publish(self, again: bool = False) -> None:
        for table in (PRODUCTS, CATALOGUE):
            records = self.streams[table].read()
            told = [one for one in records if one["dynamodb"]["Keys"].get("part", {"S": "entity"})["S"] == "entity"]
            for _ in range(1 + again):
                assert deliver(publish.handler, told) == {"batchItemFailures": []}
        self._see("the events")

    @rule(again=st.booleans())
    def clean_up(self, again: bool = False) -> None:
        bodies, self.hands.left = self.hands.left, []
        for _ in range(1 + again):
            assert deliver_messages(clean_up.handler, *bodies) == []
        self._see("the clean-up")

    @rule(hours=st.sampled_from([0.3, 1, 5, 24 * 8]))
    def wait(self, hours: float) -> None:
        if self.hands.now_s < KEPT_SECONDS / 2:
            self.hands.now_s += hours * 3600
        with permissions.acting("batch_jobs.look.handler"):
            look.handler({}, Context())
        self._see("the schedule")
        waiting = [job for job in self.model.now.jobs.values() if job.status == PRE_PROCESSED]
        assert all(job.look_at > self._now() for job in waiting)

    # How it is done.

    def do(self, plan: Any) -> None:
        """Does what is planned, and looks at what became of it."""
        self.hands.now_s += 0.001
        kind, *arguments = plan
        getattr(self, f"_{kind}")(*arguments)
        if self.failure is not None:
            raise self.failure

    def _aside(self, plan: Any) -> None:
        """Does something else in the middle of a delivery: what is wrong then is told behind it."""
        if self.failure is not None:
            return
        who = self.who
        with permissions.by_the_test(), self.hands.aside():
            try:
                self._see(who)
                self.do(plan)
            except AssertionError as failure:
                self.failure = self.failure or failure
            finally:
                self.who = who

    def _look(self) -> None:
        if self.failure is not None:
            return
        with permissions.by_the_test(), self.hands.aside():
            try:
                self._see(self.who)
            except AssertionError as failure:
                self.failure = failure
        if self.waiting is not None and self.waiting.is_due(self.model.now.jobs[self.who]):
            self.hands.strikes[self.hands.calls + self.waiting.number] = self.waiting.fault
            self.waiting = None
            self.is_disturbed = True

    def _see(self, who: str, products: Any = ()) -> None:
        self.model.see(who, products)

    def _job(self, pick: int) -> str:
        # Those made last have most before them.
        ids = list(self.model.asked)
        return ids[-1 - pick % len(ids)]

    def _asks(self, asked: Asked, context: dict[str, Any]) -> None:
        if len(self.model.asked) == MOST_JOBS:
            return
        body = {"type": asked.kind, "context": context, "dry_run": asked.dry_run}
        made = self.api.post(JOBS, body)
        assert made.status == 201, made.text
        asked.is_confirmed = not asked.dry_run
        self.model.asked[made.json()["batch_job"]["id"]] = asked
        self._see("a client")

    def _import(self, given: Any, dry_run: bool, skip: bool, match: bool) -> None:
        products = sorted(self.model.now.products.values(), key=lambda one: one.handle)
        found, seen = list[Any](), dict[str, Product | None]()
        for handle, title, sku, quantity, price, is_named in given:
            if handle not in seen:
                free = [one for one in products if one not in seen.values()]
                seen[handle] = free[len(found) % len(free)] if is_named and free else None
            product = seen[handle]
            place = sum(row.handle == handle for row in found)
            variant = product.variants[place].id if product is not None and place < len(product.variants) else ""
            id = "" if product is None else product.id
            found.append(Row(id, handle, title, variant, sku, quantity, price))
        content = "\n".join([HEADER, *(row.cells for row in found)])
        context = {"fileKey": self.load.upload(content.encode())}
        context |= {"on_error": "skip"} if skip else {}
        context |= {"match": "handle"} if match else {}
        self._asks(Asked(IMPORT, dry_run, tuple(found), match, skip), context)

    def _remove(self, handles: set[str], dry_run: bool, by_file: bool) -> None:
        context: dict[str, Any] = {"filterable_fields": {"handle": sorted(handles)}}
        if by_file:
            context = {"fileKey": self.load.upload("\n".join(["Product Handle", *sorted(handles)]).encode())}
        self._asks(Asked(DELETE, dry_run, handles=frozenset(handles)), context)

    def _export(self, dry_run: bool) -> None:
        self._asks(Asked(EXPORT, dry_run), {})

    def _act(self, pick: int, what: str) -> None:
        if not self.model.asked:
            return
        id = self._job(pick)
        job, asked = self.model.now.jobs[id], self.model.asked[id]
        undo = (job.result or {}).get("undo", {}).get("status")
        is_late = job.has_ended and self._now() > job.entered[job.status] + UNDO_WITHIN_US
        if what == "undo":
            is_begun = job.status == COMPLETED and undo not in {None, "failed"}
            is_there = job.status == COMPLETED or undo == "failed"
            may = asked.kind != EXPORT and (is_begun or (is_there and not is_late))
        else:
            may = job.status == PRE_PROCESSED if what == "confirm" else job.status != COMPLETED
        answer = self.api.post(f"{JOBS}/{id}/{what}")
        assert answer.status == (200 if may else 400), answer.text
        asked.is_confirmed |= may and what == "confirm"
        asked.is_undone |= may and what == "undo"
        self._see("a client")

    def _stop(self, steps: int) -> None:
        """Somebody cancels the very job that is worked on, and another worker finds out."""
        id = self.who
        place = list(reversed(self.model.asked)).index(id)
        self._act(place, "cancel" if self.model.now.jobs[id].status != COMPLETED else "undo")
        self.hands.add(json.dumps({"job": id}))
        self._deliver(self.hands.messages[-1], steps)

    def _work(self, pick: int, steps: int, strike: Strike | None = None) -> None:
        if not self.hands.messages:
            self.follow()
        if self.hands.messages:
            self._deliver(self.hands.messages[pick % len(self.hands.messages)], steps, strike)

    def _deliver(self, message: Message, steps: int, strike: Strike | None = None) -> None:
        before = self.who, self.hands.steps, self.waiting
        self.who, self.hands.steps, self.waiting = json.loads(message.body)["job"], steps, strike
        asked = self.model.asked[self.who]
        if strike and asked.kind == EXPORT and asked.exported is None:
            asked.exported = ()
        with permissions.acting("batch_jobs.work.handler"):
            self.hands.deliver(message=message)
        assert self.defects == []
        if self.failure is None:
            self._see(self.who)
        self.who, self.hands.steps, self.waiting = before

    def _edit(self, pick: int, what: str, handle: str, sku: str, quantity: int | None) -> None:
        products = list(self.model.now.products.values())
        by = f"req-{next(self.editors)}"
        if what == "creation" or not products:
            variant = Variant("", 0, {"sku": sku}, (Price("eur", 300),))
            new = Product("", handle, DRAFT, 0, 0, "", fields={"title": "Made"}, variants=(variant,))
            try:
                made = operations.create(new, by, lambda one: {one.variants[0].entity: {0: quantity or 9}})
            except Taken:
                return
            self._see(by, [made.id])
            return
        one = products[pick % len(products)]
        variant = one.variants[pick % len(one.variants)]
        try:
            match what:
                case "title":
                    operations.update(one.id, lambda now: replace(now, fields={**now.fields, "title": by}), by)
                case "handle":
                    operations.update(one.id, lambda now: replace(now, handle=handle), by)
                case "sku":
                    operations.update(one.id, lambda now: _with_sku(now, sku), by)
                case "stock":
                    operations.set_quantities(variant.entity, {0: quantity or 2}, by)
                case "label":
                    operations.change_entity(variant.entity, lambda own: replace(own, labels=(*own.labels, sku)), by)
                case "elsewhere":
                    operations.set_quantities(variant.entity, {CENTRE: quantity or 0}, by)
                case _:
                    operations.remove(one.id)
        except (Taken, Invalid):
            pass
        self._see(by, [one.id])

    def _now(self) -> int:
        return clock.now()

    # In the end.

    def teardown(self) -> None:
        if self.failure is not None:
            return
        self.finish()
        self.must_be_accounted_for()
        self._take_all_back()
        self.publish()
        while self.hands.left:
            self.clean_up()
        self.must_be_accounted_for()

    def must_be_accounted_for(self) -> None:
        """All that is stored belongs to somebody."""
        now, asked = self.model.now, self.model.asked
        waiting = {id for id, job in now.jobs.items() if job.status == PRE_PROCESSED and job.dry_run}
        for id, job in now.jobs.items():
            assert job.status in ENDED or id in waiting
            assert id in waiting or job.state is None
            assert (job.look_at > 0) == (id in waiting)
            if job.status == COMPLETED and asked[id].kind == EXPORT and asked[id].exported != ():
                assert self._exported(id) == asked[id].exported
        kept = {key for key in self.model.touched if now.jobs[key[0]].status == COMPLETED}
        assert now.befores.keys() == kept == self.model.touched.keys()
        for row in held(BATCH_JOBS):
            id, part = str(row["id"]), str(row["part"])
            if id.startswith("open "):
                assert set(json.loads(str(row["jobs"]))) == waiting
            else:
                assert id.startswith("jobs ") or id in now.jobs
                assert id.startswith("jobs ") or part.partition(" ")[0] in {"job", "gate", "before", "stayed"}
        assert uploads(self.stores) == []
        # What a worker stored that could not record it goes by the bucket's rules.
        if not self.is_disturbed:
            assert {key.split("/")[1] for key in self._spools()} <= waiting
        pointed = {str(row["content_key"]) for row in held(PRODUCTS) if "content_key" in row}
        assert pointed <= set(keys_in_bucket(self.stores, "products/"))

    def _spools(self) -> Iterator[str]:
        """The keys of what jobs have left to read again; contents of what they replaced go by the bucket's rules."""
        for key in keys_in_bucket(self.stores, "spools/"):
            if clients.s3().head_object(Bucket=blobs.bucket(), Key=key)["ContentType"] == "application/x-ndjson":
                yield key

    def _exported(self, id: str) -> set[tuple[str, ...]]:
        key = (self.model.now.jobs[id].result or {})["file_key"]
        content = clients.s3().get_object(Bucket=blobs.bucket(), Key=key)["Body"].read().decode()
        columns = "Product Handle", "Product Title", "Variant SKU", "Variant Inventory Quantity"
        return {tuple(row[name] for name in columns) for row in csv.DictReader(io.StringIO(content), delimiter=";")}

    def _take_all_back(self) -> None:
        """Undoes all that was done, the last first; where nobody else had a hand in it, nothing is left."""
        touched = {id for id, _ in self.model.touched}
        order = {
            id: {first for first, second in self.model.after if second == id and first in touched} for id in touched
        }
        try:
            ids = list(TopologicalSorter(order).static_order())
        except CycleError:
            return
        for id in reversed(ids):
            job = self.model.now.jobs[id]
            if self._now() > job.entered[job.status] + UNDO_WITHIN_US:
                return
            self._act(list(reversed(self.model.asked)).index(id), "undo")
            self.finish()
        assert self.model.touched == {}
        if self.model.is_clean:
            assert (self.model.now.products, self.model.now.entities) == ({}, {})


def _with_sku(product: Product, sku: str) -> Product:
    first, *others = product.variants
    return replace(product, variants=(replace(first, fields={**first.fields, "sku": sku}), *others))


@pytest.fixture
def machine(api: Api, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    """The machine, on a catalogue that is empty and work in small steps."""
    let_in(api)
    workers = JobWorkers(monkeypatch)
    monkeypatch.setenv("BATCH_JOBS_QUEUE_URL", URL)
    monkeypatch.setenv("PRODUCT_LEFTOVERS_QUEUE_URL", LEFTOVERS)
    monkeypatch.setattr(gates, "GATES", 2)
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(product_import, "_READ_AT_ONCE", 1)
    monkeypatch.setattr(product_delete, "_AT_ONCE", 1)
    monkeypatch.setattr(taking_back, "AT_ONCE", 2)
    monkeypatch.setattr(spool, "CHUNK", 500)
    monkeypatch.setattr(contents, "INLINE_BYTES", 220)
    clients.events().create_event_bus(Name=stores["EVENT_BUS"])
    reference.create_centre(CENTRE, "East")
    # The same run makes the same calls, one after the other.
    monkeypatch.setattr(threads, "each", lambda function, arguments, _: list(map(function, arguments)))
    # The same run has the same IDs, and so the same order of products.
    numbers: list[Iterator[int]] = [count()]
    monkeypatch.setattr(ulids, "new", lambda moment: ulids.of(moment, str(next(numbers[0]))))
    monkeypatch.setattr(Machine, "numbers", numbers, raising=False)
    defects: list[BaseException] = []

    def note(error: BaseException) -> None:
        if not isinstance(error, Unavailable | Contended):
            defects.append(error)

    monkeypatch.setattr(deliveries, "log_defect", note)
    hands = Hands(work.handler)
    hands.take_over(monkeypatch)
    monkeypatch.setattr(Machine, "hands", hands, raising=False)
    monkeypatch.setattr(Machine, "load", Importer(Api(narrowed(requests_per_minute=1_000_000)), workers), raising=False)
    monkeypatch.setattr(Machine, "stores", stores, raising=False)
    monkeypatch.setattr(Machine, "bring_back", staticmethod(kept_tables()), raising=False)
    monkeypatch.setattr(Machine, "defects", defects, raising=False)
    return Machine


LOAD = ("import", [("a", "Cap", "S1", 1, 250, False), ("b", "Hat", "S2", 5, 100, False)], False, False, True)
REMOVE = ("remove", {"a", "b"}, False, False)


def begun(machine: type[Machine], plan: Any, *, is_undone: bool = False) -> Machine:
    """A machine with some products and a job to be worked on, or to be taken back."""
    state = machine()
    state.begin(
        [("a", "Hat", "S1", 5, 100, False), *([("b", "Hat", "S2", None, 100, False)] if plan == REMOVE else [])]
    )
    state.do(plan)
    if is_undone:
        state.finish()
        state.do(("act", 0, "undo"))
    state.follow()
    return state


@pytest.mark.parametrize("plan", [LOAD, REMOVE])
@pytest.mark.parametrize("is_undone", [False, True])
def test_a_job_ends_well_whichever_call_its_worker_dies_behind(
    machine: type[Machine], plan: Any, is_undone: bool
) -> None:
    state = begun(machine, plan, is_undone=is_undone)
    begin_anew = state.kept()
    for number in count(1):
        begin_anew()
        struck: list[int] = []

        def die(call: Call, number: int = number, struck: list[int] = struck) -> Any:
            struck.append(number)
            return killed_after(call)

        state.strike(("work", 0, 50), "any", number, die)
        state.finish()
        state.must_be_accounted_for()
        [*_, job] = state.model.now.jobs.values()
        assert job.status == COMPLETED
        if not struck:
            break
    assert number > 10


@pytest.mark.parametrize("plan", [LOAD, REMOVE])
def test_a_late_worker_writes_nothing_of_a_job_taken_back(machine: type[Machine], plan: Any) -> None:
    state = begun(machine, plan)
    begin_anew = state.kept()
    for number in count(1):
        begin_anew()
        state.overtake(("work", 0, 50), "writing", number, ("stop", 50))
        state.finish()
        state.must_be_accounted_for()
        [*_, job] = state.model.now.jobs.values()
        if job.status == COMPLETED:
            break
        assert job.status == "canceled"
    assert number > 10


def test_batch_jobs_behave_like_the_model(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=30, deadline=None))
