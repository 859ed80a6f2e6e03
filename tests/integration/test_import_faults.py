"""Imports whose workers are killed or cannot reach AWS: the catalogue is what the file says, or as it was before."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from batch_jobs import work
from batchyard.batch_jobs import product_import, spool
from batchyard.batch_jobs.imports import taking_back
from batchyard.catalogue import reference, repository
from batchyard.store import blobs, clients
from batchyard.store.tables import BATCH_JOBS, PRODUCTS
from tests.support import permissions
from tests.support.api import Api
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import clean_up, contents_of_catalogue, must_be_whole, rows, told_catalogue
from tests.support.importing import Importer, rows_in
from tests.support.jobs import JOBS, JobWorkers, job_of, let_in
from tests.support.long_work import URL, Call, Fault, Workers, answer_lost, killed_after, killed_before, out_of_reach
from tests.support.streams import Stream, kept_tables
from tests.support.uploads import take_small_parts, uploads

FAULTS: list[Fault] = [killed_after, answer_lost, killed_before, out_of_reach]

STRIDE = 7
"""Calls from one that is struck to the next; those between are made of the same kinds."""

SETUP = (
    "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR\n"
    "shirt;Shirt;S-1;3;19.90\n"
    "belt;Belt;B-1;8;9.90\n"
)

FILE = (
    "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR;Option 1 Name;Option 1 Value\n"
    "shirt;Blouse;S-1;7;24.90;;\n"
    "suit;Suit;U-1;1;199.90;Size;S\n"
    "sock;Sock;K-1;9;3.50;;\n"
    "hat;Hat;H-1;2;1,50;;\n"
    "suit;;U-2;2;199.90;Size;M\n"
    "suit;;U-3;;209.90;Size;L\n"
    "suit;;U-4;4;219.90;Size;XL\n"
    "shirt;;S-2;4;29.90;;\n"
    "belt;Belt;B-1;5;9.90;;\n"
)
CONTEXT = {"match": "handle", "on_error": "skip"}
OPERATIONS = 12
"""Also where none of its products is there before."""

IN_ONE, IN_SEVERAL, ALL_NEW = "in one transaction", "in several", "all new"
EACH_KIND = pytest.mark.parametrize("stand", [IN_ONE, IN_SEVERAL, ALL_NEW], indirect=True)


class Stand:
    """A small catalogue, and workers whose every call to AWS can go wrong.

    Args:
        stores: The functions' environment.
        hands: The workers.
        load: A client that imports files.
        kind: `IN_SEVERAL`: a product of two variants takes several transactions. `ALL_NEW`: the catalogue is empty.
    """

    def __init__(self, api: Api, stores: dict[str, str], hands: Workers, load: Importer, kind: str) -> None:
        self.is_large = kind == IN_SEVERAL
        self.api, self.stores, self.hands, self.products = api, stores, hands, Stream(PRODUCTS)
        with permissions.by_the_test():
            reference.create_region("North America", "usd")
        setup, self._file = load.upload(SETUP.encode()), load.upload(FILE.encode())
        if kind != ALL_NEW:
            self.run(self.begin(setup))
        with permissions.by_the_test():
            self.before = contents_of_catalogue()
        there = set() if kind == ALL_NEW else {"shirt", "belt"}
        assert {one.handle for one in self.before["products"].values()} == there
        self.keep()

    def keep(self) -> None:
        """Has a test begin here each time."""
        self._bring_back = kept_tables()

    def begin_anew(self) -> None:
        """Forgets all that has happened since the beginning."""
        self._bring_back()
        self.products = Stream(PRODUCTS)
        self.products.read()

    def begin(self, key: str | None = None) -> str:
        """Makes a job that imports a file."""
        context = {"fileKey": key or self._file, **CONTEXT}
        made = self.api.post(JOBS, {"type": "product-import", "context": context})
        assert made.status == 201, made.text
        return str(made.json()["batch_job"]["id"])

    def run(self, id: str, strikes: dict[int, Fault] | None = None) -> dict[str, Any]:
        """Has the work of a job done, whatever strikes its first delivery; returns the job as it is then."""
        self.hands.add(json.dumps({"job": id}))
        with permissions.acting("batch_jobs.work.handler"):
            self.hands.deliver(strikes)
            self.hands.run()
        assert self.hands.dead == []
        return job_of(self.api, id)

    def act(self, id: str, what: str) -> dict[str, Any]:
        """Confirms, cancels or undoes a job."""
        with permissions.by_the_test():
            answer = self.api.post(f"{JOBS}/{id}/{what}")
        assert answer.status == 200, answer.text
        return dict(answer.json()["batch_job"])

    def must_be_as_before(self) -> None:
        """Nothing of any job is left."""
        with permissions.by_the_test():
            clean_up(self.products)
            found = contents_of_catalogue()
            must_be_whole()
            for kind, before in self.before.items():
                assert found[kind].keys() == before.keys()
                for id in before:
                    assert found[kind][id] == before[id]
        self.must_be_tidy()

    def must_be_imported(self, job: dict[str, Any]) -> None:
        """The catalogue is what the file says, and the job tells just that."""
        result = job["result"]
        assert job["status"] == "completed", result
        assert (result["count"], result["advancement_count"], result["progress"]) == (OPERATIONS, OPERATIONS, 1)
        assert sum(result["operations"].values()) == OPERATIONS
        assert (result["error_count"], [error["line"] for error in result["errors"]]) == (1, [4])
        with permissions.by_the_test():
            content = clients.s3().get_object(Bucket=blobs.bucket(), Key=result["error_file_key"])["Body"].read()
            assert [row["Product Handle"] for row in rows_in(content)] == ["hat"]
            clean_up(self.products)
            must_be_whole()
            found = told_catalogue()
            assert self.befores(job["id"]) == 4
        assert found.keys() == {"shirt", "belt", "suit", "sock"}
        assert [stock for *_, stock in found["suit"]["variants"]] == [{0: 1}, {0: 2}, {}, {0: 4}]
        assert [stock for *_, stock in found["shirt"]["variants"]] == [{0: 7}, {0: 4}]
        assert [stock for *_, stock in found["belt"]["variants"]] == [{0: 5}]
        assert [fields["sku"] for fields, *_ in found["suit"]["variants"]] == ["U-1", "U-2", "U-3", "U-4"]
        assert found["shirt"]["fields"]["title"] == "Blouse"
        self.must_be_tidy()

    def must_be_tidy(self) -> None:
        """No upload is open, and no job has anything left to do."""
        with permissions.by_the_test():
            assert uploads(self.stores) == []
            assert [row["id"] for row in rows(BATCH_JOBS) if row["part"] == "job" and "state" in row] == []

    def befores(self, id: str) -> int:
        """How many products a job can take back."""
        return sum(row["id"] == id and str(row["part"]).startswith("before ") for row in rows(BATCH_JOBS))

    def spools(self) -> list[str]:
        """What jobs have left to read again."""
        with permissions.by_the_test():
            return keys_in_bucket(self.stores, "spools/")


@pytest.fixture(params=[IN_ONE, IN_SEVERAL])
def stand(api: Api, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Stand:
    """Steps of two rows, chunks and parts of some, and one product or none in a transaction."""
    let_in(api)
    load = Importer(api, JobWorkers(monkeypatch))
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 4)
    monkeypatch.setattr(product_import, "_READ_AT_ONCE", 2)
    monkeypatch.setattr(taking_back, "AT_ONCE", 2)
    monkeypatch.setattr(spool, "CHUNK", 500)
    if request.param == IN_SEVERAL:
        monkeypatch.setattr(repository, "MOST_AT_ONCE", 4)
    take_small_parts(monkeypatch, 10)
    monkeypatch.setenv("BATCH_JOBS_QUEUE_URL", URL)
    hands = Workers(work.handler)
    hands.take_over(monkeypatch)
    return Stand(api, stores, hands, load, request.param)


class Striking:
    """A fault, as the call that it strikes sees it.

    Args:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        self.fault, self.has_struck = FAULTS[number % len(FAULTS)], False

    def __call__(self, call: Call) -> Any:
        self.has_struck = True
        return self.fault(call)


def calls(first: int) -> Iterator[tuple[int, Striking]]:
    """Some calls, and what strikes it, until there is none."""
    for number in itertools.count(first, STRIDE):
        strike = Striking(number)
        yield number, strike
        if not strike.has_struck:
            assert number > 20
            return


@EACH_KIND
def test_an_import_is_whole_after_a_fault_at_any_call(stand: Stand) -> None:
    for number, strike in calls(1 + stand.is_large):
        stand.begin_anew()
        stand.must_be_imported(stand.run(stand.begin(), {number: strike}))


def test_an_undo_of_an_import_is_whole_after_a_fault_at_any_call(stand: Stand) -> None:
    id = stand.begin()
    stand.must_be_imported(stand.run(id))
    stand.keep()
    for number, strike in calls(1 + stand.is_large):
        stand.begin_anew()
        stand.act(id, "undo")
        undone = stand.run(id, {number: strike})
        assert undone["status"] == "completed"
        assert undone["result"]["undo"] == {"status": "completed", "count": 4, "advancement_count": 4}
        assert undone["result"]["error_count"] == 1
        stand.must_be_as_before()


def test_an_import_canceled_at_any_call_leaves_the_catalogue_as_before(stand: Stand) -> None:
    """Also where the worker that finds out about it is struck some calls later."""
    was_late = False
    for number in itertools.count(1 + stand.is_large, STRIDE):
        stand.begin_anew()
        id = stand.begin()
        canceled: list[dict[str, Any]] = []

        def cancel(call: Call, id: str = id, canceled: list[dict[str, Any]] = canceled) -> Any:
            # By then it may be completed: that is no matter.
            with permissions.by_the_test(), stand.hands.aside():
                stand.api.post(f"{JOBS}/{id}/cancel")
                canceled.append(job_of(stand.api, id))
            return call()

        job = stand.run(id, {number: cancel, number + 2 + number % 23: Striking(number)})
        if not canceled:
            break
        if canceled[0]["status"] == "completed":
            was_late = True
            continue
        assert job["status"] == "canceled"
        assert (job["result"] or {}).get("undo", {"status": "completed"})["status"] == "completed"
        assert canceled[0]["result"] is None or all(
            canceled[0]["result"][name] == job["result"][name] for name in ("advancement_count", "count")
        )
        stand.must_be_as_before()
        assert stand.befores(id) == 0
    assert number > 30
    assert was_late


@EACH_KIND
def test_an_import_overtaken_by_another_worker_at_any_call_is_whole(stand: Stand) -> None:
    for number in itertools.count(1 + stand.is_large, STRIDE):
        stand.begin_anew()
        id = stand.begin()
        overtaken: list[bool] = []

        def overtake(call: Call, id: str = id, overtaken: list[bool] = overtaken) -> Any:
            stand.hands.add(json.dumps({"job": id}))
            overtaken.append(stand.hands.deliver())
            return call()

        job = stand.run(id, {number: overtake})
        stand.must_be_imported(job)
        stand.act(id, "undo")
        stand.run(id, {number % 31: overtake})
        stand.must_be_as_before()
        if not overtaken:
            break
    assert number > 30


@EACH_KIND
def test_a_late_worker_writes_nothing_of_an_import_taken_back(stand: Stand) -> None:
    for number in itertools.count(1 + stand.is_large, STRIDE):
        stand.begin_anew()
        id = stand.begin()
        ended: list[str] = []

        def end(call: Call, id: str = id, ended: list[str] = ended) -> Any:
            with permissions.by_the_test(), stand.hands.aside():
                stand.api.post(f"{JOBS}/{id}/cancel")
                ended.append(job_of(stand.api, id)["status"])
            stand.hands.add(json.dumps({"job": id}))
            stand.hands.deliver()
            return call()

        stand.run(id, {number: end})
        if ended in ([], ["completed"]):
            break
        stand.must_be_as_before()
        assert stand.befores(id) == 0
    assert number > 30
