"""Exports of a batch's serials: the very serials of its pages in a file, whatever befalls those who write it."""

import csv
import io
import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.client
import pytest
import requests
from botocore.exceptions import ConnectionClosedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard import clock
from batchyard.errors import Contended
from batchyard.gs1.cbv import Meaning
from batchyard.gs1.epcis import FIRST
from batchyard.product_batches.exports import files as export_files
from batchyard.product_batches.exports import operations as exports
from batchyard.product_batches.exports import repository as exports_repository
from batchyard.product_batches.exports.work import ExportWork
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.serials import statuses
from batchyard.serial_codes import keys
from batchyard.store import blobs, clients, items
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit
from batchyard.work.deliveries import DELIVERIES
from batchyard.work.steps import Delivery
from product_batches import start_export
from tests.integration.conftest import Calls
from tests.support import permissions
from tests.support.api import Api, narrowed
from tests.support.batch import Part, request, run_change_set
from tests.support.exports import Workers, download, look, start
from tests.support.lots import BATCHES, GTIN, make
from tests.support.streams import Stream, deliver
from tests.support.uploads import take_small_parts, uploads

LINKED = {"gtin": GTIN, "expiryDate": "2027-12-31"}


@pytest.fixture
def workers(lot_stream: Stream, monkeypatch: pytest.MonkeyPatch) -> Workers:
    """Those who write exports."""
    made = Workers(lot_stream)
    monkeypatch.setenv("EXPORTS_QUEUE_URL", made.url)
    monkeypatch.setattr("batchyard.work.deliveries._PAUSE_S", 0)
    return made


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of some ten rows, which S3 itself would refuse."""
    monkeypatch.setattr(export_files, "PART", 1000)
    monkeypatch.setattr(export_files, "PIECE", 10)
    take_small_parts(monkeypatch, 1000)


def pages(api: Api, batch: str = "L1", size: int = 10_000) -> list[dict[str, Any]]:
    """All serials, page by page, as the export has them."""
    found: list[dict[str, Any]] = []
    while True:
        page = api.get(f"{BATCHES}/{batch}/getSN?startIndex={len(found)}&count={size}").json()
        found += [{name: one[name] for name in ("index", "code", "digitalLink")} for one in page["items"]]
        if page["nextStartIndex"] is None:
            return found


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    """The file of these rows, as the standard library writes it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["index", "code", "digitalLink"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_ndjson(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def files(stores: dict[str, str]) -> list[str]:
    """The keys in the bucket."""
    found = clients.s3().list_objects_v2(Bucket=stores["CONTENT_BUCKET"])
    return [content["Key"] for content in found.get("Contents", [])]


@pytest.mark.parametrize("fields", [{}, LINKED, {**LINKED, "lotNumber": "a,b\"c%/'", "variant": '"'}])
@pytest.mark.parametrize(("kind", "written"), [("csv", as_csv), ("ndjson", as_ndjson)])
def test_an_export_holds_the_serials_of_all_pages(
    api: Api, workers: Workers, kind: str, written: Callable[[Any], bytes], fields: dict[str, Any]
) -> None:
    make(api, quantity=35, **fields)
    export = start(api, kind)
    assert workers.run() == 1
    assert download(api, export) == written(pages(api, size=10))


def test_an_export_from_asking_to_downloading(api: Api, workers: Workers, stores: dict[str, str], at: Any) -> None:
    at(0)
    before = make(api, quantity=25, **LINKED)
    at(1)
    made = api.post(f"{BATCHES}/L1/export")
    asked = made.json()
    moment = asked["createdAt"]
    assert (made.status, asked) == (
        202,
        {
            "id": asked["id"],
            "format": "csv",
            "status": "queued",
            "rows": 0,
            "total": 25,
            "createdAt": moment,
            "updatedAt": moment,
        },
    )
    found = api.get(made.headers["Location"])
    assert (found.json(), found.headers["Cache-Control"]) == (asked, "no-store")
    shown = api.get(f"{BATCHES}/L1").json()
    assert shown == {**before, "version": 2, "exports": [asked]}
    at(2)
    workers.run()
    done = look(api, asked)
    url = done.pop("downloadUrl")
    size = len(download(api, asked))
    assert done == {
        **asked,
        "status": "done",
        "rows": 25,
        "updatedAt": done["finishedAt"],
        "finishedAt": done["finishedAt"],
        "bytes": size,
    }
    assert api.get(f"{BATCHES}/L1").json()["exports"] == [done]
    assert files(stores) == [f"exports/wines/barolo/L1/{asked['id']}.csv"]
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Expires"] == ["300"]
    headers = requests.get(url, timeout=5).headers
    assert headers["Content-Disposition"] == f"attachment; filename*=UTF-8''L1-{asked['id']}.csv"
    assert headers["Content-Type"] == "text/csv; charset=utf-8"


def test_a_file_name_cannot_say_more_than_a_name(api: Api, workers: Workers) -> None:
    name = "a;b'c=(d)"
    make(api, name, quantity=1)
    export = start(api, batch=name)
    workers.run()
    [disposition] = parse_qs(urlsplit(look(api, export, name)["downloadUrl"]).query)["response-content-disposition"]
    assert disposition == f"attachment; filename*=UTF-8''a%3Bb%27c%3D%28d%29-{export['id']}.csv"


@pytest.mark.parametrize(
    ("kind", "content"), [("csv", b"index,code,digitalLink\r\n"), ("ndjson", b""), ("epcis", None)]
)
def test_an_export_of_a_lot_without_serials(api: Api, workers: Workers, kind: str, content: bytes | None) -> None:
    make(api, **LINKED)
    export = start(api, kind)
    workers.run()
    found = download(api, export)
    assert look(api, export)["rows"] == look(api, export)["total"] == 0
    assert found == content if content is not None else json.loads(found)["epcisBody"] == {"eventList": []}


def test_epcis_needs_a_gtin(api: Api, workers: Workers) -> None:
    make(api, quantity=5)
    refused = api.post(f"{BATCHES}/L1/export", {"format": "epcis"})
    assert (refused.status, refused.json()["errorCode"]) == (409, "NO_GTIN")
    assert "exports" not in api.get(f"{BATCHES}/L1").json()


def test_a_bad_export_is_refused(api: Api) -> None:
    assert api.post(f"{BATCHES}/L1/export").status == 404
    make(api)
    refused = api.post(f"{BATCHES}/L1/export", {"format": "xml"})
    assert (refused.status, list(refused.json()["details"]["fields"])) == (400, ["format"])
    missing = api.get(f"{BATCHES}/L1/export/none")
    assert (missing.status, missing.json()["errorCode"]) == (404, "NOT_FOUND")


def test_the_same_request_again_is_the_same_export(api: Api, workers: Workers) -> None:
    make(api, quantity=5)
    first = start(api, "csv", Idempotency_Key="k")
    assert start(api, "csv", Idempotency_Key="k") == first
    assert start(api, "csv", Idempotency_Key="l")["id"] != first["id"]
    assert [one["id"] for one in api.get(f"{BATCHES}/L1").json()["exports"]][-1] == first["id"]
    assert workers.run() == 2
    assert start(api, "csv", Idempotency_Key="k") == first


def test_a_lot_that_never_had_an_export_is_one_read(api: Api, calls: Calls) -> None:
    make(api)
    calls.clear()
    api.get(f"{BATCHES}/L1")
    assert [call for call in calls if "Update" not in call] == ["dynamodb.GetItem"]


def test_a_lot_shows_its_latest_exports(api: Api, workers: Workers) -> None:
    make(api, quantity=1)
    make(api, "L1.5", quantity=1)
    started = [start(api)["id"] for _ in range(exports.LISTED + 2)]
    start(api, batch="L1.5")
    shown = [one["id"] for one in api.get(f"{BATCHES}/L1").json()["exports"]]
    assert shown == started[: -exports.LISTED - 1 : -1]


def test_an_export_is_forgotten_with_its_file(api: Api, workers: Workers, at: Callable[[float], None]) -> None:
    at(0)
    make(api, quantity=1)
    export = start(api)
    workers.run()
    at(7 * 86_400 - 1)
    assert look(api, export)["status"] == "done"
    at(7 * 86_400)
    assert api.get(f"{BATCHES}/L1/export/{export['id']}").status == 404
    assert "exports" not in api.get(f"{BATCHES}/L1").json()


def test_rights_to_start_and_to_read_an_export(api: Api, workers: Workers) -> None:
    make(api, quantity=1)
    export = start(api)
    url = f"{BATCHES}/L1/export"
    reader = Api(narrowed(writes=False))
    assert [reader.post(url).status, reader.get(f"{url}/{export['id']}").status] == [403, 200]
    stranger = Api(narrowed(collections=frozenset({"beers"})))
    assert [stranger.post(url).status, stranger.get(f"{url}/{export['id']}").status] == [403, 403]


def test_an_export_repeated_after_a_lost_answer_is_the_same_export(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, quantity=5)
    start(api)
    workers.run()
    commit, lost = Unit.commit, iter([True])

    def losing(unit: Unit) -> None:
        commit(unit)
        if next(lost, False):
            # By the time that botocore repeats the write, a worker has changed the item.
            with permissions.by_the_test():
                workers.run()
            raise Contended

    with monkeypatch.context() as patched:
        patched.setattr(Unit, "commit", losing)
        export = start(api)
    assert (export["status"], export["rows"]) == ("queued", 0)
    assert "finishedAt" not in export
    assert look(api, export)["status"] == "done"
    assert len(api.get(f"{BATCHES}/L1").json()["exports"]) == 2


def test_an_export_in_a_change_set(api: Api, workers: Workers) -> None:
    url = f"{BATCHES}/L1"
    parts = run_change_set(
        api,
        request("POST", BATCHES, {"id": "L1", "quantity": 12}),
        request("POST", f"{url}/export", {"format": "ndjson"}),
    )
    assert not isinstance(parts, Part), parts
    started = parts[1]
    assert started.status == 202, started.text
    workers.run()
    assert download(api, started.json()) == as_ndjson(pages(api))


# What befalls those who write.


def expected(api: Api, kind: str) -> bytes:
    return (as_csv if kind == "csv" else as_ndjson)(pages(api))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_every_step_of_an_export_by_another_worker(
    api: Api, workers: Workers, stores: dict[str, str], kind: str
) -> None:
    make(api, quantity=95, **LINKED)
    export = start(api, kind)
    workers.follow()
    seen = [look(api, export)["rows"]]
    while messages := workers.receive():
        [message] = messages
        assert workers.work(message, looks=1)
        seen.append(look(api, export)["rows"])
    assert download(api, export) == expected(api, kind)
    assert len(set(seen)) > 4
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 95)
    assert not uploads(stores)


@pytest.mark.usefixtures("small_parts")
def test_an_export_without_time_is_queued_again(api: Api, workers: Workers) -> None:
    make(api, quantity=30)
    export = start(api)
    workers.follow()
    [message] = workers.receive()
    assert workers.work(message, looks=0)
    assert look(api, export)["status"] == "queued"
    assert workers.run() == 1
    assert look(api, export)["status"] == "done"


class Faults:
    """Fails one AWS call of those to come, before it is made or after it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.lost = False
        self.failed = ""
        base: Any = botocore.client.BaseClient
        real = base._make_api_call

        def call(client: Any, operation: str, parameters: Any) -> Any:
            # Messages are Lambda's to take away.
            if self.left is None or operation == "DeleteMessage":
                return real(client, operation, parameters)
            self.left -= 1
            if self.left != 0:
                return real(client, operation, parameters)
            self.failed = operation
            if self.lost:
                real(client, operation, parameters)
            raise ConnectionClosedError(endpoint_url="https://aws")

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)

    def arm(self, after: int, *, lost: bool) -> None:
        """Fails the call after so many."""
        self.left, self.lost, self.failed = after, lost, ""

    def disarm(self) -> bool:
        """Whether there was one."""
        self.left = None
        return bool(self.failed)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("lost", [False, True], ids=["not made", "answer lost"])
@pytest.mark.parametrize("quantity", [5, 45], ids=["one part", "many parts"])
def test_an_export_survives_a_failure_of_any_call(
    api: Api,
    workers: Workers,
    stores: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    lost: bool,
    quantity: int,
) -> None:
    faults = Faults(monkeypatch)
    make(api, quantity=quantity, **LINKED)
    content, failed = expected(api, "csv"), set()
    for after in range(1, 200):
        export = start(api)
        workers.follow()
        [message] = workers.receive()
        faults.arm(after, lost=lost)
        ended = workers.work(message)
        failed.add(faults.failed)
        if not faults.disarm():
            break
        assert not ended
        assert look(api, export)["status"] in {"queued", "running", "done"}
        assert workers.run() == 1
        assert download(api, export) == content
    assert ended
    assert {"GetItem", "PutItem"} < failed
    assert ({"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} < failed) == (quantity == 45)
    # What nobody got to know of, or could not note down, is left to the bucket's own rule.
    assert len(uploads(stores)) == (2 if quantity == 45 else 0)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("whole", [False, True], ids=["one step", "all steps"])
def test_two_workers_of_one_export_do_no_harm(
    api: Api, workers: Workers, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, step: int, whole: bool
) -> None:
    make(api, quantity=45, **LINKED)
    export = start(api)
    workers.follow()
    [message] = workers.receive()
    asked, steps = json.loads(message["body"]), iter(range(100))

    def interrupted(name: str) -> Callable[..., Any]:
        act = getattr(blobs, name)

        def acting(*arguments: Any) -> Any:
            # Between what a worker has read and what it writes, another one comes by.
            if next(steps) == step:
                looks = iter([False] * (100 if whole else 1))
                Delivery(ExportWork(), asked).run(lambda: next(looks, True))
            return act(*arguments)

        return acting

    with monkeypatch.context() as patched:
        for name in ("begin", "write_part", "complete"):
            patched.setattr(blobs, name, interrupted(name))
        assert workers.work(message)
    assert next(steps) > step
    assert download(api, export) == expected(api, "csv")
    assert look(api, export)["rows"] == 45
    assert not uploads(stores)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("again", [False, True], ids=["removed", "made again"])
@pytest.mark.parametrize("parts", [0, 2])
def test_a_lot_that_is_removed_takes_its_export_with_it(
    api: Api, workers: Workers, stores: dict[str, str], parts: int, again: bool
) -> None:
    make(api, quantity=95, **LINKED)
    start(api)
    workers.follow()
    [message] = workers.receive()
    assert workers.work(message, looks=parts)
    assert len(uploads(stores)) == bool(parts)
    assert api.delete(f"{BATCHES}/L1?force=true").status == 200
    if again:
        make(api, quantity=95, **LINKED)
    assert workers.run() == 1
    named = json.loads(message["body"])
    export = exports_repository.get(Unit(), BatchKey("wines", "barolo", "L1"), named["export"])
    assert export is not None
    assert (export.status, export.reason) == ("failed", "The batch was removed.")
    assert not uploads(stores)
    assert not files(stores)
    if again:
        start(api)
        assert [one["status"] for one in api.get(f"{BATCHES}/L1").json()["exports"]] == ["queued"]
    assert api.get(f"{BATCHES}/L1/export/{named['export']}").status == 404


@pytest.mark.usefixtures("small_parts")
def test_an_export_that_is_cleaned_up_meanwhile(
    api: Api, workers: Workers, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, quantity=95, **LINKED)
    export = start(api)
    workers.follow()
    [message] = workers.receive()
    write_part = blobs.write_part

    def cleaned_up(*arguments: Any) -> bytes:
        key = {"collection_id": "wines", "sort_key": f"export L1 barolo {export['id']}"}
        with permissions.by_the_test():
            clients.dynamodb().delete_item(TableName=PRODUCT_BATCHES.name, Key=items.encode(key))
        return write_part(*arguments)

    monkeypatch.setattr(blobs, "write_part", cleaned_up)
    assert workers.work(message)
    assert not uploads(stores)
    assert not files(stores)
    # Delivered once more, the message finds nothing to do.
    assert workers.work(message)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["csv", "ndjson", "epcis"])
def test_an_export_shows_the_lot_as_it_was_when_started(api: Api, workers: Workers, kind: str) -> None:
    make(api, quantity=45, **LINKED)
    # The next one begins a block of its own.
    make(api, "L2", quantity=5)
    assert api.put(f"{BATCHES}/L1", {"quantity": 52}).status == 200
    rows, export = pages(api), start(api, kind)
    workers.follow()
    [message] = workers.receive()
    assert workers.work(message, looks=1)
    changed = {"name": "other", "expiryDate": None, "quantity": 95}
    assert api.put(f"{BATCHES}/L1", changed).status == 200
    assert (
        api.post(f"{BATCHES}/L1/serialChange", {"status": "active", "ranges": [{"startIndex": 0, "count": 60}]}).json()[
            "changed"
        ]
        == 60
    )
    workers.run()
    found = download(api, export)
    if kind == "epcis":
        codes = [row["code"] for row in rows]
        assert told(found) == [("commissioned", codes[:45]), ("commissioned", codes[45:])]
        assert found.count(b"2027-12-31") == found.count(b"ADD") > 0
    else:
        assert found == (as_csv if kind == "csv" else as_ndjson)(rows)
    assert look(api, export)["rows"] == look(api, export)["total"] == 52


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("steps", [1, 3])
def test_an_export_whose_multipart_upload_was_aborted_begins_anew(
    api: Api, workers: Workers, stores: dict[str, str], steps: int
) -> None:
    make(api, quantity=45, **LINKED)
    export = start(api)
    workers.follow()
    [message] = workers.receive()
    assert workers.work(message, looks=steps)
    [upload] = uploads(stores)
    blobs.abort(upload["Key"], upload["UploadId"])
    workers.run()
    assert download(api, export) == expected(api, "csv")
    assert look(api, export)["rows"] == 45
    assert not uploads(stores)


@pytest.mark.usefixtures("small_parts")
def test_an_export_whose_written_part_differs_begins_anew(api: Api, workers: Workers, stores: dict[str, str]) -> None:
    make(api, quantity=45, **LINKED)
    export = start(api)
    workers.follow()
    [message] = workers.receive()
    assert workers.work(message, looks=2)
    [upload] = uploads(stores)
    blobs.write_part(upload["Key"], upload["UploadId"], 1, b"x" * 2000)
    workers.run()
    assert download(api, export) == expected(api, "csv")
    assert not uploads(stores)


@pytest.mark.usefixtures("small_parts")
def test_an_export_that_fails_each_time_says_so(
    api: Api, workers: Workers, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, quantity=45, **LINKED)
    export = start(api)
    workers.follow()

    def refused(*_: Any) -> None:
        raise RuntimeError("s3cret")

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "complete", refused)
        for delivery in range(1, DELIVERIES + 1):
            [message] = workers.receive()
            assert message["attributes"]["ApproximateReceiveCount"] == str(delivery)
            assert look(api, export)["status"] in {"queued", "running"}
            assert not workers.work(message)
    found = look(api, export)
    assert (found["status"], found["reason"]) == ("failed", "The file could not be written. Ask for another export.")
    assert "downloadUrl" not in found
    assert not uploads(stores)
    assert not files(stores)
    # It stays as it was answered, also where somebody has the message delivered again.
    message["attributes"]["ApproximateReceiveCount"] = "1"
    assert workers.work(message)
    assert look(api, export) == found


@pytest.mark.usefixtures("small_parts")
def test_an_export_waits_for_an_outage_to_end(api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    make(api, quantity=45, **LINKED)
    export = start(api)
    workers.follow()
    with monkeypatch.context() as patched:
        patched.setattr(clients.dynamodb(), "get_item", refused)
        [message] = workers.receive()
        assert not workers.work(message)
        [message] = workers.receive()
        patched.setattr("batchyard.work.deliveries._PAUSE_S", 60)
        # Where it fails once more, a message of its own comes a minute later, and counts anew.
        assert workers.work(message)
    waiting = clients.sqs().get_queue_attributes(
        QueueUrl=workers.url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
    )["Attributes"]
    assert list(waiting.values()) == ["0", "1"]
    monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda *_: (clock.now() + 61_000_000) // 1000)
    [message] = workers.receive()
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    assert int(message["messageAttributes"]["since"]["stringValue"]) <= clock.now_s()
    assert workers.work(message)
    assert download(api, export) == expected(api, "csv")


def refused(**_: Any) -> None:
    raise ConnectionClosedError(endpoint_url="https://aws")


def test_an_export_whose_failure_cannot_be_stored_is_delivered_again(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, quantity=5)
    start(api)
    workers.follow()
    [message] = workers.receive()
    message["attributes"]["ApproximateReceiveCount"] = str(DELIVERIES)
    Faults(monkeypatch).arm(1, lost=False)
    assert not workers.work(message)


# From the table to the workers.


def test_only_new_exports_are_work(api: Api, workers: Workers) -> None:
    make(api, quantity=5)
    api.put(f"{BATCHES}/L1", {"name": "export"})
    export = start(api)
    records = workers.stream.read()
    assert deliver(start_export.handler, records) == {"batchItemFailures": []}
    [message] = workers.receive()
    assert json.loads(message["body"]) == {
        "collection": "wines",
        "product": "barolo",
        "batch": "L1",
        "export": export["id"],
    }
    workers.work(message)
    assert deliver(start_export.handler, workers.stream.read()) == {"batchItemFailures": []}
    assert not workers.receive()


def test_started_exports_that_could_not_be_queued_are_delivered_again(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, quantity=5)
    for _ in range(12):
        start(api)
    records = workers.stream.read()
    faults = Faults(monkeypatch)
    faults.arm(2, lost=False)
    answer = deliver(start_export.handler, records)
    [failure] = answer["batchItemFailures"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    position = numbers.index(failure["itemIdentifier"])
    assert 0 < position < len(records)
    faults.disarm()
    first = {json.loads(message["body"])["export"] for message in workers.receive()}
    assert deliver(start_export.handler, records[position:]) == {"batchItemFailures": []}
    rest = {json.loads(message["body"])["export"] for message in workers.receive()}
    assert len(first | rest) == 12


# EPCIS.


def told(document: bytes) -> list[tuple[str, list[str]]]:
    """What happened, and to which codes, in the order of the events; neighbours of one kind together."""
    names = {one.meaning: status for status, one in statuses.TABLE.items()} | {FIRST: "commissioned"}
    found: list[tuple[str, list[str]]] = []
    last = None
    for event in json.loads(document)["epcisBody"]["eventList"]:
        status = names[Meaning(event["action"], event["bizStep"], event["disposition"])]
        if "errorDeclaration" in event:
            status = f"not {status}"
        codes = [epc.rpartition("/")[2] for epc in event["epcList"]]
        assert len(codes) <= 1000
        if last == (status, event["eventTime"]):
            found[-1][1].extend(codes)
        else:
            found.append((status, codes))
        last = status, event["eventTime"]
    return found


@pytest.mark.parametrize("size", [10, 10_000], ids=["small parts", "one part"])
def test_an_epcis_export_tells_events_of_changes_that_stand(
    api: Api, workers: Workers, small_parts: None, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    if size > 10:
        monkeypatch.setattr(export_files, "PART", 8_000_000)
        monkeypatch.setattr(export_files, "PIECE", size)
    make(api, quantity=2500, manufactureDate="2026-01-02", **LINKED)
    # Of another batch whose ID begins alike.
    make(api, "L1.5", quantity=50, **LINKED)

    def change(status: str, *ranges: tuple[int, int], batch: str = "L1") -> dict[str, Any]:
        body = {"status": status, "ranges": [{"startIndex": first, "count": count} for first, count in ranges]}
        made = api.post(f"{BATCHES}/{batch}/serialChange", body)
        assert made.status == 200, made.text
        return dict(made.json())

    change("stolen", (0, 50), batch="L1.5")
    change("active", (5, 2300))
    undone = change("stolen", (0, 1))
    assert api.post(f"{BATCHES}/L1/serialChange/{undone['id']}/undo").status == 200
    change("dispensed", (2, 1), (4, 3), (2300, 10))
    api.put(f"{BATCHES}/L1", {"quantity": 2510})
    late = change("destroyed", (2499, 3))
    codes = [row["code"] for row in pages(api)]
    export = start(api, "epcis")
    # What is undone from now on stood when the export was made.
    assert api.post(f"{BATCHES}/L1/serialChange/{late['id']}/undo").status == 200
    change("sample", (0, 1))
    assert workers.run(looks=1) >= (20 if size == 10 else 1)
    document = download(api, export)
    assert told(document) == [
        ("commissioned", codes[:2500]),
        ("commissioned", codes[2500:]),
        ("active", codes[5:2305]),
        ("stolen", codes[:1]),
        ("not stolen", codes[:1]),
        ("dispensed", [codes[2], *codes[4:7], *codes[2300:2310]]),
        ("destroyed", codes[2499:2502]),
    ]
    body = json.loads(document)
    assert body["epcisBody"]["eventList"][0]["ilmd"] == {
        "cbvmda:lotNumber": "L1",
        "cbvmda:itemExpirationDate": "2027-12-31",
        "gs1:productionDate": "2026-01-02",
    }
    assert body["creationDate"] == export["createdAt"]


@pytest.mark.usefixtures("small_parts")
def test_serials_are_commissioned_when_they_are_made(
    api: Api, workers: Workers, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "_EVENT", 4)
    at(0)
    first = make(api, quantity=13, **LINKED)["updatedAt"]
    at(1)
    second = api.put(f"{BATCHES}/L1", {"quantity": 18}).json()["updatedAt"]
    # Another batch in between, so that the third block does not follow upon the second as that did upon the first.
    make(api, "L2", quantity=1)
    at(2)
    third = api.put(f"{BATCHES}/L1", {"quantity": 31}).json()["updatedAt"]
    at(3)
    api.put(f"{BATCHES}/L1", {"name": "Barolo"})
    export = start(api, "epcis")
    assert workers.run(looks=1) > 1
    events = json.loads(download(api, export))["epcisBody"]["eventList"]
    found = [(event["eventTime"], epc.rpartition("/")[2]) for event in events for epc in event["epcList"]]
    made = [first] * 13 + [second] * 5 + [third] * 13
    assert len({first, second, third}) == 3
    assert found == list(zip(made, [row["code"] for row in pages(api)], strict=True))


def test_an_export_by_a_clock_that_is_behind_is_not_older_than_its_lot(
    api: Api, workers: Workers, at: Callable[[float], None]
) -> None:
    at(10)
    batch = make(api, quantity=2, **LINKED)
    at(5)
    export = start(api, "epcis")
    assert export["createdAt"] == export["updatedAt"] == batch["createdAt"]
    workers.run()
    assert told(download(api, export)) == [("commissioned", [row["code"] for row in pages(api)])]


@pytest.mark.parametrize("kind", ["csv", "ndjson", "epcis"])
def test_an_export_has_codes_of_a_serial_key_added_elsewhere(
    api: Api, workers: Workers, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    at(0)
    make(api, "L0", quantity=1)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(keys, "_kept", None)
        keys.rotate()
        make(api, quantity=3, **LINKED)
        api.post(f"{BATCHES}/L1/serialChange", {"status": "stolen", "ranges": [{"startIndex": 1, "count": 2}]})
        rows = pages(api)
    before = keys._kept
    at(11)
    assert pages(api) == rows
    monkeypatch.setattr(keys, "_kept", before)
    sheet = api.get(f"{BATCHES}/L1/sheet")
    assert sheet.status == 200
    assert all(row["code"] in sheet.text for row in rows)
    export = start(api, kind)
    monkeypatch.setattr(keys, "_kept", before)
    workers.run()
    written = {"csv": as_csv, "ndjson": as_ndjson}
    if kind == "epcis":
        codes = [row["code"] for row in rows]
        assert told(download(api, export)) == [("commissioned", codes), ("stolen", codes[1:])]
    else:
        assert download(api, export) == written[kind](rows)


def test_an_export_whose_serial_key_is_missing_is_unavailable(
    api: Api, workers: Workers, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = stores["SERIAL_KEYS_SECRET"]
    former = clients.secretsmanager().get_secret_value(SecretId=secret)["SecretString"]
    keys.rotate()
    make(api, quantity=3)
    export = start(api, "csv")
    clients.secretsmanager().put_secret_value(SecretId=secret, SecretString=former)
    keys.reset()
    for path in ("getSN", "sheet"):
        assert api.get(f"{BATCHES}/L1/{path}").status == 503
    workers.follow()
    [message] = workers.receive()
    assert not workers.work(message)
    assert look(api, export)["status"] != "done"


def test_a_lot_made_again_has_no_history(api: Api, workers: Workers) -> None:
    make(api, quantity=5, **LINKED)
    api.post(f"{BATCHES}/L1/serialChange", {"status": "active", "ranges": [{"startIndex": 0, "count": 5}]})
    assert api.delete(f"{BATCHES}/L1?force=true").status == 200
    make(api, quantity=3, **LINKED)
    export = start(api, "epcis")
    workers.run()
    assert told(download(api, export)) == [("commissioned", [row["code"] for row in pages(api)])]


# Whatever the batch.

GROWTHS = st.lists(st.integers(1, 40), max_size=3)


@pytest.mark.usefixtures("small_parts")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    growths=GROWTHS,
    kind=st.sampled_from(["csv", "ndjson"]),
    gtin=st.sampled_from([None, GTIN]),
    length=st.integers(8, 19),
    piece=st.integers(1, 40),
    part=st.integers(1000, 5000),
    looks=st.integers(1, 9),
    page=st.integers(1, 50),
)
def test_any_page_is_a_slice_of_the_export(
    api: Api,
    workers: Workers,
    growths: list[int],
    kind: str,
    gtin: str | None,
    length: int,
    piece: int,
    part: int,
    looks: int,
    page: int,
) -> None:
    sizes: Any = export_files
    sizes.PIECE, sizes.PART = piece, part
    batch = f"P{next(_numbers)}"
    made = api.post(BATCHES, {"id": batch, "gtin": gtin, "serialFormat": {"length": length}})
    assert made.status == 200, made.text
    quantity = 0
    for growth in growths:
        quantity += growth
        assert api.put(f"{BATCHES}/{batch}", {"quantity": quantity}).status == 200
        # Another batch in between, so that the next block is not a continuation.
        api.post(BATCHES, {"id": f"B{next(_numbers)}", "quantity": 1, "serialFormat": {"length": length}})
    export = start(api, kind, batch)
    workers.run(looks)
    content = download(api, export, batch).decode()
    lines = [json.loads(line) for line in content.splitlines()] if kind == "ndjson" else _parsed(content)
    assert len(lines) == quantity
    for first in range(0, quantity, page):
        shown = api.get(f"{BATCHES}/{batch}/getSN?startIndex={first}&count={page}").json()["items"]
        assert [{**line, "status": "commissioned"} for line in lines[first : first + page]] == shown


_numbers = itertools.count()


def _parsed(content: str) -> list[dict[str, Any]]:
    rows = csv.DictReader(io.StringIO(content, newline=""))
    return [{**row, "index": int(row["index"]), "digitalLink": row["digitalLink"] or None} for row in rows]
