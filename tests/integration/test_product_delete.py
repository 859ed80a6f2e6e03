"""Products are deleted by a filter: counted first, confirmed, and taken back."""

from collections.abc import Iterable
from typing import Any

import pytest

from batchyard.batch_jobs import product_delete
from batchyard.batch_jobs.imports import removing
from batchyard.catalogue import repository
from batchyard.catalogue.rules import Product
from batchyard.store.unit import Unit
from tests.integration.test_product_import import Importer, handles, load, rows_in, shop, workers
from tests.support import permissions
from tests.support.api import Api
from tests.support.aws import keys_in_bucket
from tests.support.jobs import JOBS, JobWorkers, job_of

__all__ = ["load", "shop", "workers"]

FILE = (
    "Product Handle;Product Status;Variant SKU;Variant Inventory Quantity;Price EUR\r\n"
    "hat;draft;H-1;3;1.00\r\nhat;;H-2;4;2.00\r\nshoe;draft;S-1;5;3.00\r\nsock;published;K-1;6;4.00\r\n"
)


def delete(load: Importer, filters: Any, **more: Any) -> dict[str, Any]:
    """Deletes products; returns the job as it is then."""
    body = {"type": "product-delete", "context": {"filterable_fields": filters}, **more}
    id = load.api.post(JOBS, body).json()["batch_job"]["id"]
    load.workers.run()
    return job_of(load.api, id)


@pytest.fixture
def filled(load: Importer) -> bytes:
    """A catalogue, as its export."""
    assert load(FILE)["status"] == "completed"
    return load.export()


def test_products_go_and_come_back(load: Importer, filled: bytes) -> None:
    done = delete(load, {"status": ["draft"]})
    assert done["status"] == "completed", done["result"]
    assert done["result"]["operations"] == {"PRODUCT_DELETE": 2}
    assert (done["result"]["count"], done["result"]["advancement_count"], done["result"]["progress"]) == (2, 2, 1)
    assert handles() == {"sock"}
    undone = load.act(done["id"], "undo")
    assert handles() == {"hat", "shoe", "sock"}
    assert undone["result"]["undo"] == {"status": "completed", "count": 2, "advancement_count": 2}
    assert load.export() == filled


def test_an_import_before_an_undone_deletion_can_be_undone(load: Importer) -> None:
    """Its stock is again that of whoever had set it before the product was removed."""
    header = "Product Handle;Variant SKU;Variant Inventory Quantity\r\n"
    assert load(f"{header}hat;H-1;5\r\n")["status"] == "completed"
    made = load.export()
    counted = load(f"{header}hat;H-1;7\r\n", {"match": "handle"})
    removed = delete(load, {"handle": ["hat"]})
    assert handles() == set()
    for job in (removed, counted):
        assert "errors" not in load.act(job["id"], "undo")["result"]
    assert load.export() == made


def test_a_dry_run_of_a_deletion_counts_products(load: Importer, filled: bytes) -> None:
    waiting = delete(load, {"handle": ["hat", "nothing"]}, dry_run=True)
    assert (waiting["status"], waiting["result"]["operations"]) == ("pre_processed", {"PRODUCT_DELETE": 1})
    assert load.export() == filled
    assert load.act(waiting["id"], "confirm")["status"] == "completed"
    assert handles() == {"shoe", "sock"}


@pytest.mark.parametrize("filters", [{}, None, [], {"colour": "red"}])
def test_a_deletion_without_a_filter_fails(load: Importer, filled: bytes, filters: Any) -> None:
    failed = delete(load, filters)
    assert failed["status"] == "failed"
    assert failed["result"]["errors"][0]["code"] == "invalid_data"
    assert load.export() == filled


@pytest.mark.parametrize(
    ("column", "cells"),
    [("Product Handle", ["hat", "shoe", "hat"]), ("Product Id", ["@hat", "@shoe"]), ("Product Id", ["@shoe", "@hat"])],
)
def test_a_file_names_products(load: Importer, filled: bytes, column: str, cells: list[str]) -> None:
    ids = {row["Product Handle"]: row["Product Id"] for row in rows_in(filled)}
    named = [ids[cell[1:]] if cell.startswith("@") else cell for cell in cells]
    content = "\r\n".join([column, *named]).encode()
    context = {"fileKey": load.upload(content)}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    done = job_of(load.api, id)
    assert done["status"] == "completed", done["result"]
    assert done["result"]["operations"] == {"PRODUCT_DELETE": 2}
    assert handles() == {"sock"}
    load.act(id, "undo")
    assert load.export() == filled


def test_an_export_names_products_with_several_variants(load: Importer, filled: bytes) -> None:
    lines = filled.splitlines(keepends=True)
    context = {"fileKey": load.upload(b"".join(lines[:3]))}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    done = job_of(load.api, id)
    assert done["status"] == "completed", done["result"]
    assert done["result"]["operations"] == {"PRODUCT_DELETE": 1}
    assert handles() == {"shoe", "sock"}


def test_a_handle_that_is_the_id_of_another_product_names_its_own(load: Importer, filled: bytes) -> None:
    [shoe] = [row["Product Id"] for row in rows_in(filled) if row["Product Handle"] == "shoe"]
    assert load(f"Product Handle\r\n{shoe}\r\n")["status"] == "completed"
    context = {"fileKey": load.upload(f"Product Id;Product Handle\r\n{shoe};\r\n;{shoe}\r\n".encode())}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    assert job_of(load.api, id)["result"]["operations"] == {"PRODUCT_DELETE": 2}
    assert handles() == {"hat", "sock"}


@pytest.mark.parametrize("named", ["", "x" * 256, "x" * 3000])
@pytest.mark.parametrize("column", ["id", "handle"])
def test_names_that_no_product_can_have_are_not_looked_for(
    load: Importer, filled: bytes, monkeypatch: pytest.MonkeyPatch, column: str, named: str
) -> None:
    # DynamoDB refuses a request with such a key, which moto takes.
    asked: list[str] = []
    read, find = repository.read_products, repository.find

    def reading(ids: Iterable[str], *more: Any) -> list[Product]:
        asked.extend(ids := list(ids))
        return read(ids, *more)

    def finding(unit: Unit, handle: str) -> Product | None:
        asked.append(handle)
        return find(unit, handle)

    monkeypatch.setattr(repository, "read_products", reading)
    monkeypatch.setattr(repository, "find", finding)
    done = delete(load, {column: [named]})
    assert (done["status"], done["result"]["count"]) == ("completed", 0)
    title = f"Product {column.title()}"
    context = {"fileKey": load.upload(f"{title};Product Title\r\n{named};x\r\n".encode())}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    [error] = job_of(load.api, id)["result"]["errors"]
    assert (error["code"], error["line"]) == ("not_found", 1)
    assert named not in asked
    assert load.export() == filled


def test_an_export_for_a_spreadsheet_names_products(load: Importer) -> None:
    assert load("Product Handle\r\n=a\r\n'-b\r\n")["status"] == "completed"
    exported = load.file(load.exported(escape_formulas=True)["result"]["file_key"])
    context = {"fileKey": load.upload(exported), "escape_formulas": True}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    done = job_of(load.api, id)
    assert done["status"] == "completed", done["result"]
    assert handles() == set()


def test_errors_name_the_columns_of_a_file_as_it_does(load: Importer, filled: bytes) -> None:
    context = {"fileKey": load.upload(b"Ref\nnone\n"), "mapping": {"Ref": "Product Handle"}}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    [error] = job_of(load.api, id)["result"]["errors"]
    assert (error["line"], error["column"]) == (1, "Ref")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"filterable_fields": {"handle": ["shoe"]}}, "Either fileKey or filterable_fields"),
        ({"escape_formulas": "true"}, "escape_formulas must be true or false, or left out"),
    ],
)
def test_a_deletion_whose_context_is_unclear_fails(
    load: Importer, filled: bytes, more: dict[str, Any], message: str
) -> None:
    context = {"fileKey": load.upload(b"Product Handle\nhat\n"), **more}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    [error] = job_of(load.api, id)["result"]["errors"]
    assert message in error["message"]
    assert load.export() == filled


def test_a_file_key_of_null_is_none(load: Importer, filled: bytes) -> None:
    body = {"type": "product-delete", "context": {"fileKey": None, "filterable_fields": {"handle": ["hat"]}}}
    id = load.api.post(JOBS, body).json()["batch_job"]["id"]
    load.workers.run()
    assert job_of(load.api, id)["status"] == "completed"
    assert handles() == {"shoe", "sock"}


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("Product Handle\nhat\nnone\n", 2, "Product with handle: none was not found"),
        ("Product Id\nprod_none\n", 1, "Product with id: prod_none was not found"),
        ("Product Handle;Product Id\nhat;\n;;\n", 2, "There is neither Product Id nor Product Handle"),
        ("Product Title\nHat\n", None, 'Missing column(s) "Product Id" or "Product Handle" from'),
        ("Product Handle\n", None, "no data rows"),
        ("", None, "empty"),
    ],
)
def test_a_deletion_by_a_file_without_products_fails(
    load: Importer, filled: bytes, content: str, line: int | None, message: str
) -> None:
    context = {"fileKey": load.upload(content.encode())}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    failed = job_of(load.api, id)
    assert failed["status"] == "failed"
    error = failed["result"]["errors"][0]
    assert error.get("line") == line
    assert message in error["message"]
    assert load.export() == filled


def test_undo_of_a_deletion_keeps_a_product_with_the_sku_created_since(load: Importer, filled: bytes) -> None:
    done = delete(load, {"status": ["draft"]})
    load("Product Handle;Variant SKU\r\nother;H-1\r\n")
    undone = load.act(done["id"], "undo")
    assert handles() == {"other", "shoe", "sock"}
    [error] = undone["result"]["errors"]
    assert error["code"] == "changed_since"
    assert "H-1" in error["message"]


def test_a_canceled_deletion_restores_all_products(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_delete, "_AT_ONCE", 1)
    load(FILE)
    before = load.export()
    body = {"type": "product-delete", "context": {"filterable_fields": {"status": ["draft", "published"]}}}
    id = load.api.post(JOBS, body).json()["batch_job"]["id"]
    load.workers.follow()
    while len(handles()) == 3:
        [message] = load.workers.receive()
        load.workers.work(message, looks=1)
    assert load.api.post(f"{JOBS}/{id}/cancel").status == 200
    load.workers.run(looks=1)
    assert load.export() == before


def test_a_deletion_canceled_during_its_first_step_restores_all_products(
    load: Importer, filled: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"type": "product-delete", "context": {"filterable_fields": {"status": ["draft", "published"]}}}
    id = load.api.post(JOBS, body).json()["batch_job"]["id"]
    load.workers.follow()
    remove = removing.remove

    def remove_and_be_overtaken(*arguments: Any) -> None:
        remove(*arguments)
        with permissions.by_the_test():
            assert load.api.post(f"{JOBS}/{id}/cancel").status == 200

    monkeypatch.setattr(removing, "remove", remove_and_be_overtaken)
    load.workers.run()
    assert job_of(load.api, id)["status"] == "canceled"
    assert load.export() == filled


def test_a_failed_deletion_by_file_leaves_no_spool(load: Importer, filled: bytes, stores: dict[str, str]) -> None:
    context = {"fileKey": load.upload(b"Product Handle\nhat\nnone\n")}
    id = load.api.post(JOBS, {"type": "product-delete", "context": context}).json()["batch_job"]["id"]
    load.workers.run()
    assert job_of(load.api, id)["status"] == "failed"
    assert keys_in_bucket(stores, "spools/") == []


def test_a_token_that_reads_cannot_delete_products(api: Api, workers: JobWorkers) -> None:
    assert api.caller is not None
    reader = Api(api.caller._replace(scope=api.caller.scope._replace(catalogue="read")))
    body = {"type": "product-delete", "context": {"filterable_fields": {"status": ["draft"]}}}
    assert reader.post(JOBS, body).status == 403
