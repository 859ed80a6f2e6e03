"""Contents that are not where they were stored any more: what needs none goes on, and nothing waits for them."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batch_requests import fail_stale
from batchyard import operator
from batchyard.batch_requests import repository
from batchyard.catalogue import operations
from batchyard.catalogue import repository as products
from batchyard.catalogue.rules import Product
from batchyard.errors import PreconditionFailed
from batchyard.store import blobs, clients
from batchyard.store.contents import INLINE_BYTES
from batchyard.store.tables import BATCH_REQUESTS, Table
from batchyard.store.unit import transact
from tests.support import permissions
from tests.support.api import Api, Context, batches
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import product
from tests.support.importing import Importer, rows_in
from tests.support.jobs import JobWorkers, let_in

MANY = [{"pk": n, "remote_id": f"{random.Random(n).getrandbits(256):064x}"} for n in range(3_000)]
LONG = random.Random(1).randbytes(INLINE_BYTES).hex()


def lose(kind: str) -> None:
    """Removes all contents of a kind behind the service's back."""
    with permissions.by_the_test():
        keys = keys_in_bucket({"CONTENT_BUCKET": blobs.bucket()}, f"{kind}/")
        assert keys
        for key in keys:
            clients.s3().delete_object(Bucket=blobs.bucket(), Key=key)


@pytest.fixture
def lost(api: Api, channel: int) -> str:
    """The path of a batch request whose objects are lost."""
    url = batches(channel, api.open_batch(channel, status="commit", objects=MANY, log_file="a line\n")["pk"])
    assert len(api.get(url).json()["objects"]) == len(MANY)
    lose("objects")
    return url


def test_a_batch_request_with_lost_contents_is_410_and_logged(
    api: Api, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = api.get(lost)
    assert (answer.status, answer.json()) == (410, {"detail": "Its contents are lost."})
    [told] = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert told.startswith("lost objects/")
    merged = api.patch(lost, {"objects": [{"pk": 1}]})
    assert (merged.status, merged.json()) == (410, {"detail": "Its contents are lost."})


def test_a_lost_batch_request_keeps_no_other_from_being_listed(api: Api, channel: int, lost: str) -> None:
    others = [api.open_batch(channel, status="commit", objects=objects)["pk"] for objects in ([{"pk": 1}], MANY)]
    for question in ("", "?status=commit", "?ordering=-modified_date"):
        answer = api.get(batches(channel) + question)
        assert answer.status == 200
        assert {one["pk"] for one in answer.json()["results"]} == set(others)


def test_a_lost_batch_request_changes_status_and_is_replaced_without_its_contents(api: Api, lost: str) -> None:
    moved = api.patch(lost, {"status": "sent_to_remote", "remote_batch_id": "feed-1"})
    assert (moved.status, moved.json()["status"], moved.json()["objects"]) == (200, "sent_to_remote", None)
    # The very same again changes nothing, nor does an echo of that answer.
    assert api.patch(lost, moved.json()).headers["ETag"] == moved.headers["ETag"]
    assert api.patch(lost, {"log_file": "another line\n"}).status == 200
    assert api.get(f"{lost}log_file/").status == 303
    assert api.post(f"{lost}log_file/upload/").status == 201
    assert api.get(lost).status == 410
    replaced = api.put(lost, {"objects": [{"pk": 7}]})
    assert (replaced.status, [one["pk"] for one in replaced.json()["objects"]]) == (200, [7])
    assert api.get(lost).json() == replaced.json()


def test_a_lost_batch_request_is_deleted(api: Api, lost: str) -> None:
    assert api.delete(lost).status == 204
    assert api.get(lost).status == 404


def test_stale_batch_requests_fail_with_and_without_lost_contents(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    urls = []
    for number in range(3):
        channel = api.open_channel(stale_after=60)
        urls.append(batches(channel, api.open_batch(channel, objects=MANY[: 1 if number else None])["pk"]))
    lose("objects")
    at(61)
    assert fail_stale.handler({}, Context()) == {"failed": 3}
    assert [api.get(url).status for url in urls] == [410, 200, 200]
    assert [api.patch(url, {"status": "fail"}).json()["status"] for url in urls] == ["fail"] * 3


# What else cannot be read.


def spoil(table: Table, key: dict[str, Any], name: str) -> None:
    with permissions.by_the_test():
        clients.dynamodb().update_item(
            TableName=table.name,
            Key=key,
            UpdateExpression="SET #name = :nothing",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":nothing": {"S": "s3cret"}},
        )


def test_a_stale_batch_request_that_cannot_fail_keeps_no_other_and_is_logged(
    api: Api, at: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    at(0)
    channels = [api.open_channel(stale_after=60) for _ in range(2)]
    first, second, third = (
        batches(channel, api.open_batch(channel)["pk"]) for channel in (channels[0], channels[0], channels[1])
    )
    channel, pk = first.split("/")[4], first.split("/")[6]
    spoil(BATCH_REQUESTS, {"channel": {"N": channel}, "pk": {"N": pk}}, "object_count")
    at(61)
    for done in (2, 0):
        with pytest.raises(RuntimeError, match=f", {done} did"):
            fail_stale.handler({}, Context())
    assert [api.get(url).json()["status"] for url in (second, third)] == ["fail", "fail"]
    assert {record.message.partition(" at ")[0] for record in caplog.records if record.levelname == "ERROR"} == {
        "unforeseen ValueError"
    }
    assert api.delete(first).status == 204
    assert fail_stale.handler({}, Context()) == {"failed": 0}


def test_a_channel_that_cannot_be_searched_keeps_no_other_stale_batch_request(
    api: Api, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(0)
    channels = [api.open_channel(stale_after=60) for _ in range(3)]
    urls = [batches(channel, api.open_batch(channel)["pk"]) for channel in channels]
    unchanged_since = repository.unchanged_since

    def fails(channel: int, status: str, moment_us: int) -> Iterator[int]:
        if channel == channels[0]:
            raise ValueError
        return unchanged_since(channel, status, moment_us)

    monkeypatch.setattr(repository, "unchanged_since", fails)
    at(61)
    with pytest.raises(RuntimeError, match=", 2 did"):
        fail_stale.handler({}, Context())
    assert [api.get(url).json()["status"] for url in urls] == ["initialized", "fail", "fail"]


# Products.


@pytest.fixture
def load(api: Api, monkeypatch: pytest.MonkeyPatch) -> Importer:
    let_in(api)
    return Importer(api, JobWorkers(monkeypatch))


def stored(handle: str, **fields: Any) -> Product:
    with permissions.by_the_test():
        one = product(handle, fields={"title": handle, **fields})
        return transact(lambda unit: products.put(unit, one, None, {}))


def test_a_lost_product_keeps_no_other_from_being_shown_and_exported(api: Api, load: Importer) -> None:
    lost, kept = stored("boots", description=LONG), stored("socks")
    lose("products")
    answer = api.get(f"/admin/products/{lost.id}")
    assert (answer.status, answer.json()["type"]) == (410, "contents_lost")
    listed = api.get("/admin/products").json()["products"]
    assert [one["id"] for one in listed] == [kept.id]
    assert [row["Product Handle"] for row in rows_in(load.export())] == ["socks"]


@pytest.mark.parametrize("limits", [{}, {"limit": 5, "order": "handle"}])
@pytest.mark.parametrize("key", [None, "id", "handle"])
def test_an_export_tells_that_lost_products_are_not_in_it(
    api: Api, load: Importer, limits: dict[str, Any], key: str | None
) -> None:
    lost = [stored(handle, description=LONG) for handle in ("boots", "gloves")]
    stored("socks")
    named = {} if key is None else {"filterable_fields": {key: [getattr(one, key) for one in lost]}}
    assert "notices" not in load.exported(**limits, **named)["result"]
    lose("products")
    result = load.exported(**limits, **named)["result"]
    [notice] = result["notices"]
    assert (result["count"], notice["code"], notice["count"]) == (1 if key is None else 0, "contents_lost", 2)
    assert "lost" in notice["message"]


def test_a_lost_product_is_removed_and_its_handle_is_free(api: Api) -> None:
    lost = stored("boots", description=LONG)
    lose("products")
    assert operator.main(["delete-product", lost.id]) == 0
    assert api.get(f"/admin/products/{lost.id}").status == 404
    again = stored("boots")
    assert api.get(f"/admin/products/{again.id}").json()["product"]["handle"] == "boots"
    assert operator.main(["delete-product", lost.id]) == 1


def test_a_lost_product_of_another_version_stays(api: Api) -> None:
    lost = stored("boots", description=LONG)
    lose("products")
    with pytest.raises(PreconditionFailed):
        operations.remove(lost.id, version=lost.version + 1)
    operations.remove(lost.id, version=lost.version)
    assert api.get(f"/admin/products/{lost.id}").status == 404
