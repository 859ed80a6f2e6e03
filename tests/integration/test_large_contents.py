"""Contents that are too large for an item, by the routes and the work that read and write them."""

import random
from dataclasses import replace
from typing import Any

import pytest

from batchyard.catalogue import repository
from batchyard.catalogue.rules import Product
from batchyard.store import blobs, clients
from batchyard.store.contents import INLINE_BYTES
from batchyard.store.tables import PRODUCTS
from batchyard.store.unit import Unit, transact
from tests.support import permissions
from tests.support.api import Api, batches
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import product
from tests.support.importing import Importer, rows_in
from tests.support.jobs import JobWorkers, let_in
from tests.support.overtaking import before_the_first_commit

LONG = random.Random(1).randbytes(INLINE_BYTES).hex()
"""A text that stays large when it is compressed."""


@pytest.fixture
def load(api: Api, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """A client that imports files, for a user who may have it done."""
    let_in(api)
    return Importer(api, JobWorkers(monkeypatch))


def stored(handle: str, **fields: Any) -> Product:
    """A product in the store."""
    one = product(handle, fields={"title": handle, **fields})
    with permissions.by_the_test():
        return transact(lambda unit: repository.put(unit, one, None, {}))


def keys(kind: str) -> list[str]:
    with permissions.by_the_test():
        return keys_in_bucket({"CONTENT_BUCKET": blobs.bucket()}, f"{kind}/")


def removed() -> list[str]:
    """The kinds of the contents that were there and are no more."""
    with permissions.by_the_test():
        found = clients.s3().list_object_versions(Bucket=blobs.bucket())
    kinds = sorted(marker["Key"].partition("/")[0] for marker in found.get("DeleteMarkers", []))
    return [kind for kind in kinds if kind != "spools"]


def file_with(description: str) -> bytes:
    return f"Product Handle;Product Title;Product Description\r\nboots;Boots;{description}\r\n".encode()


def test_a_large_product_is_shown_whole(api: Api) -> None:
    one = stored("boots", description=LONG)
    assert len(keys("products")) == 1
    assert api.get(f"/admin/products/{one.id}").json()["product"]["description"] == LONG
    [listed] = api.get("/admin/products").json()["products"]
    assert listed["description"] == LONG


def test_a_large_product_is_exported_and_imported(load: Importer) -> None:
    stored("boots", description=LONG)
    content = load.export()
    [row] = rows_in(content)
    assert row["Product Description"] == LONG
    changed = LONG[::-1]
    done = load(content.replace(LONG.encode(), changed.encode()))
    assert done["status"] == "completed", done["result"]["errors"]
    [row] = rows_in(load.export())
    assert row["Product Description"] == changed


def test_an_import_that_is_overtaken_leaves_no_content_of_its_first_try(
    load: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, commit, met = stored("boots"), Unit.commit, list[Any]()
    meanwhile = replace(one, tags=("sale",))

    def overtaken(unit: Unit) -> None:
        if unit.staged(PRODUCTS) and not met:
            with permissions.by_the_test():
                met.append(True)
                transact(lambda other: repository.put(other, meanwhile, repository.get(other, one.id), {}))
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    done = load(file_with(LONG), {"match": "handle"})
    assert done["status"] == "completed", done["result"]["errors"]
    assert met
    assert len(keys("products")) == 1
    assert removed() == ["products"]
    [row] = rows_in(load.export())
    assert row["Product Description"] == LONG


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_overtaken_batch_request_update_leaves_no_content_of_its_first_try(
    api: Api, channel: int, method: str
) -> None:
    objects = [{"pk": n, "content_type": "product"} for n in range(3000)]
    for n, one in enumerate(objects):
        one["remote_id"] = f"{random.Random(n).getrandbits(256):064x}"
    pk = api.open_batch(channel, status="commit", content_type="product", objects=objects[:1])["pk"]
    url = batches(channel, pk)

    def overtake() -> None:
        with permissions.by_the_test():
            assert api.patch(url, {"remote_batch_id": "feed-1"}).status == 200

    with before_the_first_commit(overtake):
        answer = api(method, url, {"objects": objects, "log_file": "a line\n"})
    assert answer.status == 200, answer.text
    assert len(answer.json()["objects"]) == 3000
    for kind in ("objects", "logs"):
        assert len(keys(kind)) == 1
    assert removed() == ["logs", "objects"]
