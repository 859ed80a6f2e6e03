"""Imports of products through the API: what a file brings about, what is wrong with it, and how it is taken back."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from batchyard.batch_jobs import product_import
from batchyard.batch_jobs.imports import taking_back, writing
from batchyard.catalogue import operations as catalogue
from batchyard.catalogue import reference, repository
from batchyard.errors import Unavailable
from batchyard.store import blobs
from batchyard.store.tables import PRODUCTS
from batchyard.work.deliveries import DELIVERIES
from tests.support import permissions
from tests.support.api import Api
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import clean_up, contents_of_catalogue, must_be_whole
from tests.support.importing import SHIRTS, Importer, handles, operations, product, rows_in
from tests.support.jobs import JOBS, JobWorkers, job_of, let_in
from tests.support.streams import Stream

CASES = Path(__file__).parents[1] / "cases" / "imports"


@pytest.fixture
def workers(api: Api, monkeypatch: pytest.MonkeyPatch) -> JobWorkers:
    """Those who work on jobs, for a user who may have it done."""
    let_in(api)
    return JobWorkers(monkeypatch)


@pytest.fixture
def shop(workers: JobWorkers) -> None:
    """A region, some collections and sales channels."""
    with permissions.by_the_test():
        reference.create_region("North America", "usd")
        reference.create_collection("shoes", "Shoes")


@pytest.fixture
def load(api: Api, workers: JobWorkers, shop: None) -> Importer:
    """A client that imports files."""
    return Importer(api, workers)


def test_a_file_becomes_products(load: Importer) -> None:
    done = load(SHIRTS)
    assert done["status"] == "completed", done["result"]
    result = done["result"]
    assert result["operations"] == operations(2, 0, 3, 0)
    assert (result["count"], result["advancement_count"], result["progress"]) == (5, 5, 1)
    assert result["stat_descriptors"] == [
        {
            "key": "product-import-count",
            "name": "Products/variants to import",
            "message": "There will be 2 products created (0  updated).\n"
            "             3 variants will be created and 0 updated",
        }
    ]
    assert handles() == {"shirt", "sock"}
    shirt = product("shirt")
    assert [variant.sku for variant in shirt.variants] == ["S-1", "S-2"]
    assert shirt.by == done["id"]
    rows = rows_in(load.export())
    assert [row["Variant Inventory Quantity"] for row in rows] == ["5", "0", "9"]


def test_an_export_imported_again_changes_nothing(load: Importer) -> None:
    load(SHIRTS)
    before = product("shirt")
    file = load.export()
    again = load(file)
    assert again["status"] == "completed", again["result"]
    assert again["result"]["operations"] == operations(0, 2, 0, 3)
    assert product("shirt") == before
    assert load.export() == file


def test_a_dry_run_of_an_import_is_a_preview(load: Importer) -> None:
    waiting = load(SHIRTS, dry_run=True)
    assert waiting["status"] == "pre_processed"
    assert waiting["result"]["operations"] == operations(2, 0, 3, 0)
    assert waiting["result"]["advancement_count"] == 0
    assert handles() == set()
    assert load.act(waiting["id"], "confirm")["status"] == "completed"
    assert handles() == {"shirt", "sock"}


def test_products_are_made_in_the_order_of_the_file(load: Importer) -> None:
    load("Product Handle\r\nzebra\r\napple\r\nmango\r\n")
    assert [row["Product Handle"] for row in rows_in(load.export())] == ["zebra", "apple", "mango"]


def test_an_import_with_errors_fails_before_a_product_is_written(load: Importer) -> None:
    failed = load(SHIRTS.replace("24.90", "24,90").replace("sock;Sock", ";Sock"))
    assert failed["status"] == "failed"
    result = failed["result"]
    assert [(error["line"], error["column"]) for error in result["errors"]] == [(2, "Price EUR"), (3, "Product Handle")]
    assert result["error_count"] == 2
    assert handles() == set()
    rows = rows_in(load.file(result["error_file_key"]))
    # All rows of the shirt were left out; one of them has no fault of its own.
    assert [(row["Error Line"], bool(row["Error Message"])) for row in rows] == [("1", False), ("2", True), ("3", True)]
    assert rows[1]["Price EUR"] == "24,90"


def test_errors_of_unknown_columns_suggest_known_ones(load: Importer) -> None:
    failed = load("Product Handle,Price eur,Colour\na,1,red\n")
    meant, unclear = failed["result"]["errors"]
    assert list(meant) == ["code", "message", "column", "suggestion", "err"]
    assert (meant["column"], meant["suggestion"]) == ("Price eur", "Price EUR")
    assert list(unclear) == ["code", "message", "column", "err"]
    assert b"(suggestion: Price EUR)" in load.file(failed["result"]["error_file_key"])


@pytest.mark.parametrize("value", ["true", 1, "", []])
def test_formulas_are_escaped_by_true_or_false_alone(load: Importer, value: Any) -> None:
    failed = load(SHIRTS, {"escape_formulas": value}), load.exported(escape_formulas=value)
    for job in failed:
        assert job["status"] == "failed"
        [error] = job["result"]["errors"]
        assert error["message"] == "escape_formulas must be true or false, or left out"
    assert load(SHIRTS, {"escape_formulas": None})["status"] == "completed"


def test_good_products_are_imported_where_bad_ones_are_skipped(load: Importer) -> None:
    bad = SHIRTS.replace("24.90", "24,90")
    done = load(bad, {"on_error": "skip"})
    assert done["status"] == "completed"
    result = done["result"]
    assert result["operations"] == operations(1, 0, 1, 0)
    assert (result["count"], result["error_count"]) == (2, 1)
    assert handles() == {"sock"}
    mended = load.file(result["error_file_key"]).decode().replace("24,90", "24.90")
    assert load(mended)["status"] == "completed"
    assert handles() == {"shirt", "sock"}


def test_two_products_of_a_file_cannot_have_one_sku(load: Importer) -> None:
    failed = load(SHIRTS.replace("K-1", "S-2"))
    assert failed["status"] == "failed"
    [error] = failed["result"]["errors"]
    assert (error["line"], error["code"]) == (3, "duplicate_error")
    assert "S-2" in error["message"]
    assert "shirt" in error["message"]


def test_a_product_that_is_meant_by_its_handle_and_by_its_id_is_told(load: Importer) -> None:
    load("Product Handle;Product Title;Variant SKU\na;A;S-1\n")
    before, id = load.export(), product("a").id
    rows = f"Product Handle;Product Id;Product Title;Variant SKU\na;;New;S-1\nb;{id};Other;\n"
    failed = load(rows, {"match": "handle"})
    assert failed["status"] == "failed"
    [error] = failed["result"]["errors"]
    assert error["message"] == f"Product Id {id} of product b is already in line 1 (product a)"
    assert (error["line"], error["column"]) == (2, "Product Id")
    assert load.export() == before
    done = load(rows, {"match": "handle", "on_error": "skip"})
    assert (done["status"], done["result"]["products"], done["result"]["error_count"]) == ("completed", 1, 1)
    assert (handles(), product("a").fields["title"]) == ({"a"}, "New")


def test_a_handle_or_sku_of_another_product_is_a_duplicate(load: Importer) -> None:
    load(SHIRTS)
    failed = load("Product Handle;Variant SKU\nshirt;X-1\nhat;K-1\n")
    assert [(error["line"], error["code"]) for error in failed["result"]["errors"]] == [
        (1, "duplicate_error"),
        (2, "duplicate_error"),
    ]
    assert "two steps" in failed["result"]["errors"][1]["message"]


def test_an_import_of_the_same_file_again_with_match(load: Importer) -> None:
    load(SHIRTS)
    done = load(SHIRTS.replace("Shirt", "Blouse"), {"match": "handle"})
    assert done["status"] == "completed", done["result"]
    assert done["result"]["operations"] == operations(0, 2, 0, 3)
    assert product("shirt").fields["title"] == "Blouse"
    assert product("sock").version == 1


def test_a_file_of_another_shop_is_imported_where_its_dialect_is_told(load: Importer) -> None:
    text = (
        "Handle,Title,Vendor,Status,Option1 Name,Option1 Value,Variant SKU,Variant Price,Price / North America,"
        "Price / Nowhere,Image Src\r\n"
        "ring,Ring,Us,Archived,Colour,Blue,'01,5,4.50,1,https://img.example/1\r\n"
        "card,Card,Us,active,Title,Default Title,,2,,,\r\n"
        "ring,,,,,,,,,,https://img.example/2\r\n"
    )
    context = {"dialect": "shopify", "currency": "usd"}
    job = load(text, context)
    assert job["status"] == "completed", job["result"]
    assert (job["result"]["count"], job["result"]["operations"]) == (4, operations(2, 0, 2, 0))
    assert job["result"]["ignored_columns"] == ["Vendor", "Price / Nowhere"]
    assert [(notice["code"], notice["count"]) for notice in job["result"]["notices"]] == [("status_became_draft", 1)]
    ring = product("ring")
    assert (ring.status, ring.images) == ("draft", ("https://img.example/1", "https://img.example/2"))
    assert ring.variants[0].prices == (("usd", 500, None), ("usd", 450, "North America"))
    exported = load.export()
    assert load(exported)["result"]["operations"] == operations(0, 2, 0, 2)
    assert load(text, {**context, "match": "handle"})["result"]["operations"] == operations(0, 2, 0, 2)
    assert load.export() == exported


def test_errors_name_the_columns_of_another_shop(load: Importer) -> None:
    context = {"dialect": "shopify", "currency": "eur"}
    job = load("URL handle,Title,SKU,Price\na,A,'1,x\nb,B,1,1\nc,,2,1\n", context)
    assert [(error["line"], error["column"]) for error in job["result"]["errors"]] == [
        (1, "Price"),
        (2, "SKU"),
        (3, "Title"),
    ]
    assert load.file(job["result"]["error_file_key"]).decode().startswith("URL handle;Title;SKU;Price;Error Line;")
    assert handles() == set()
    assert load("URL handle,Title,SKU\na,A,1\n", context)["status"] == "completed"
    again = load("URL handle,Title,SKU\na,A,2\nb,B,1\n", context)
    assert [(error["line"], error["column"]) for error in again["result"]["errors"]] == [(1, "URL handle"), (2, "SKU")]


@pytest.mark.parametrize(
    ("context", "why"),
    [({"dialect": "shopify"}, "context.currency"), ({"dialect": "woocommerce"}, "context.dialect must be")],
)
def test_a_dialect_that_cannot_be_read_fails_the_job(load: Importer, context: dict[str, Any], why: str) -> None:
    job = load("Handle,Title,Variant Price\na,A,1\n", context)
    assert job["status"] == "failed"
    [error] = job["result"]["errors"]
    assert why in error["message"]


@pytest.mark.parametrize(
    ("context", "named"),
    [
        ({}, "context.fileKey must be the key"),
        ({"fileKey": None}, "context.fileKey must be the key"),
        ({"fileKey": 5}, "context.fileKey must be the key"),
        ({"fileKey": ""}, "context.fileKey must be the key"),
        ({"fileKey": ["files/x/y/z.csv"]}, "context.fileKey must be the key"),
        ({"fileKey": "files/x/y/z.csv"}, "There is no file files/x/y/z.csv"),
        ({"fileKey": "https://a.example/z.csv?X-Amz-Signature=1"}, "must be the key of an uploaded file, not its URL"),
    ],
)
def test_a_missing_file_fails_the_job_and_is_named(
    api: Api, workers: JobWorkers, context: dict[str, Any], named: str
) -> None:
    id = api.post(JOBS, {"type": "product-import", "context": context}).json()["batch_job"]["id"]
    workers.run()
    failed = job_of(api, id)
    assert failed["status"] == "failed"
    [error] = failed["result"]["errors"]
    assert error["code"] == "not_found"
    assert named in error["message"]


# Taking back.


def test_undo_of_an_import_removes_new_products_and_restores_changed_products(load: Importer) -> None:
    load(SHIRTS)
    before = product("shirt")
    file = load.export()
    changed = (
        "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR\r\n"
        "shirt;Blouse;S-1;1;1.00\r\nshirt;;S-9;;2.00\r\nhat;Hat;H-1;3;9.00\r\n"
    )
    done = load(changed, {"match": "handle"})
    assert done["status"] == "completed", done["result"]
    assert handles() == {"shirt", "sock", "hat"}
    assert [variant.sku for variant in product("shirt").variants] == ["S-1", "S-2", "S-9"]
    undone = load.act(done["id"], "undo")
    assert undone["status"] == "completed"
    assert undone["result"]["undo"] == {"status": "completed", "count": 2, "advancement_count": 2}
    assert "errors" not in undone["result"]
    assert handles() == {"shirt", "sock"}
    after = product("shirt")
    assert (after.by, after.fields, after.variants) == (before.by, before.fields, before.variants)
    assert after.version > before.version
    assert load.export() == file
    assert load.act(done["id"], "undo") == undone


def test_undo_of_imports_in_reverse_order_always_works(load: Importer) -> None:
    first = load(SHIRTS)
    files, ids = [load.export()], list[str]()
    for title in ("Blouse", "Top", "Vest"):
        ids.append(load(SHIRTS.replace("Shirt", title).replace(";5;", f";{len(ids)};"), {"match": "handle"})["id"])
        files.append(load.export())
    for id in reversed(ids):
        assert load.export() == files.pop()
        load.act(id, "undo")
    assert load.export() == files.pop()
    load.act(first["id"], "undo")
    assert handles() == set()


def test_undo_of_an_import_restores_the_stock(load: Importer) -> None:
    load(SHIRTS)
    file = load.export()
    done = load("Product Handle;Variant SKU;Variant Inventory Quantity\nsock;K-1;4\n", {"match": "handle"})
    assert [row["Variant Inventory Quantity"] for row in rows_in(load.export())] == ["5", "0", "4"]
    undone = load.act(done["id"], "undo")
    assert "errors" not in undone["result"]
    assert load.export() == file


def test_undo_of_an_import_keeps_and_reports_products_changed_since(load: Importer) -> None:
    done = load(SHIRTS)
    load(SHIRTS.replace("Shirt", "Blouse"), {"match": "handle"})
    undone = load.act(done["id"], "undo")
    assert handles() == {"shirt"}
    [error] = undone["result"]["errors"]
    assert error["code"] == "changed_since"
    assert "shirt" in error["message"]
    assert undone["result"]["undo"]["status"] == "completed"


def cut_off_behind(load: Importer, module: ModuleType, function: str) -> None:
    """Has a worker take a message and not get beyond the function, though that has done its work."""
    original = getattr(module, function)

    def cut_off(*given: Any) -> None:
        original(*given)
        raise Unavailable

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, function, cut_off)
        [message] = load.workers.receive()
        assert not load.workers.work(message)


def test_undo_reports_kept_products_though_its_step_is_repeated(load: Importer) -> None:
    done = load(SHIRTS)
    with permissions.by_the_test():
        catalogue.update(product("sock").id, lambda one: replace(one, status="published"), "req-9")
        catalogue.set_quantities(product("shirt").variants[0].entity, {0: 77}, "req-9")
    assert load.api.post(f"{JOBS}/{done['id']}/undo").status == 200
    load.workers.follow()
    cut_off_behind(load, taking_back, "take_back")
    load.workers.run()
    undone = job_of(load.api, done["id"])["result"]
    assert undone["undo"] == {"status": "completed", "count": 2, "advancement_count": 2}
    told = sorted(error["message"] for error in undone["errors"])
    assert undone["error_count"] == len(told) == 3
    assert "somebody has changed it" in "".join(told)
    assert "the stock of S-1 has moved" in "".join(told)
    assert {error["code"] for error in undone["errors"]} == {"changed_since"}


def test_undo_of_a_large_product_and_its_stock(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MOST_AT_ONCE", 8)
    monkeypatch.setattr(taking_back, "_STOCK_AT_ONCE", 4)
    header = "Product Handle;Variant SKU;Variant Inventory Quantity;Price EUR\n"
    load(header + "".join(f"ring;R-{size};{size};5.00\n" for size in range(12)))
    before = contents()
    changed = "".join(f"ring;R-{size};{size + 1};6.00\n" for size in range(15))
    done = load(header + changed, {"match": "handle"})
    assert done["status"] == "completed", done["result"]
    undone = load.act(done["id"], "undo")
    assert "errors" not in undone["result"]
    assert contents() == before


@pytest.mark.parametrize("end", ["undo", "cancel"])
def test_an_undo_that_gave_up_can_be_asked_for_again(load: Importer, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 1)
    id = load.begin(SHIRTS.encode())
    if end == "undo":
        load.workers.run()
    else:
        load.workers.follow()
        while not handles():
            [message] = load.workers.receive()
            load.workers.work(message, looks=1)
    assert load.api.post(f"{JOBS}/{id}/{end}").status == 200
    load.workers.follow()

    def broken(*_: Any) -> Any:
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(taking_back, "take_back", broken)
        message, *_ = load.workers.receive()
        for number in range(1, DELIVERIES + 1):
            message["attributes"]["ApproximateReceiveCount"] = str(number)
            assert not load.workers.work(message)
    stuck = job_of(load.api, id)
    assert stuck["result"]["undo"]["status"] == "failed"
    assert handles()
    done = load.act(id, "undo")
    assert (done["status"], done["result"]["undo"]["status"]) == (stuck["status"], "completed")
    assert handles() == set()
    if end == "undo":
        assert load.act(id, "undo") == done
    else:
        assert load.api.post(f"{JOBS}/{id}/undo").status == 400


def test_a_canceled_import_leaves_nothing(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 2)
    rows = "".join(f"p{number:02};T{number}\r\n" for number in range(12))
    id = load.begin(f"Product Handle;Product Title\r\n{rows}".encode())
    load.workers.follow()
    while not 0 < len(handles()) < 12:
        [message] = load.workers.receive()
        load.workers.work(message, looks=1)
    canceled = load.api.post(f"{JOBS}/{id}/cancel").json()["batch_job"]
    assert canceled["status"] == "canceled"
    applied = canceled["result"]["advancement_count"]
    load.workers.run(looks=1)
    assert handles() == set()
    after = job_of(load.api, id)
    assert after["status"] == "canceled"
    assert after["result"]["advancement_count"] == applied
    assert after["result"]["undo"]["status"] == "completed"
    with permissions.by_the_test():
        stored = keys_in_bucket({"CONTENT_BUCKET": blobs.bucket()}, "spools/")
    assert stored == []


def test_an_import_checks_for_duplicates_again_when_writing(load: Importer) -> None:
    waiting = load(SHIRTS, dry_run=True)
    load("Product Handle;Variant SKU\r\nhat;K-1\r\n")
    failed = load.act(waiting["id"], "confirm")
    assert failed["status"] == "failed"
    assert "K-1" in failed["result"]["errors"][0]["message"]
    assert failed["result"]["undo"]["status"] == "completed"
    assert handles() == {"hat"}


def test_errors_found_when_writing_are_told_in_the_order_of_lines_and_with_their_file(load: Importer) -> None:
    waiting = load("Product Handle,Variant SKU\nzebra,Z-1\nzebra,Z-2\nmouse,M-1\nape,A-1\n", dry_run=True)
    load("Product Handle;Variant SKU\r\nzebra;\r\nape;A-1\r\n")
    failed = load.act(waiting["id"], "confirm")
    assert failed["status"] == "failed"
    result = failed["result"]
    assert [error["line"] for error in result["errors"]] == [1, 4, 4]
    assert result["error_count"] == 3
    rows = rows_in(load.file(result["error_file_key"]))
    assert [(row["Variant SKU"], row["Error Line"], bool(row["Error Message"])) for row in rows] == [
        ("Z-1", "1", True),
        ("Z-2", "2", False),
        ("A-1", "4", True),
    ]
    assert handles() == {"zebra", "ape"}


def test_an_import_skips_duplicates_found_when_writing(load: Importer) -> None:
    waiting = load(SHIRTS, {"on_error": "skip"}, dry_run=True)
    load("Product Handle;Variant SKU\r\nhat;K-1\r\n")
    done = load.act(waiting["id"], "confirm")
    assert done["status"] == "completed"
    assert handles() == {"hat", "shirt"}
    result = done["result"]
    assert (result["count"], result["error_count"]) == (3, 1)
    [row] = rows_in(load.file(result["error_file_key"]))
    assert (row["Product Handle"], row["Error Line"]) == ("sock", "3")


def test_products_written_by_a_repeated_step_of_an_import_stay(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{handle};shoes\r\n" for handle in ("boot", "clog", "pump"))
    waiting = load(f"Product Handle;Product Collection Handle\r\n{rows}", dry_run=True)
    assert load.api.post(f"{JOBS}/{waiting['id']}/confirm").status == 200
    load.workers.follow()
    cut_off_behind(load, writing, "write")
    monkeypatch.setattr(reference, "collections", list)
    load.workers.run()
    done = job_of(load.api, waiting["id"])
    assert done["status"] == "completed", done["result"]
    assert done["result"]["advancement_count"] == 6
    assert handles() == {"boot", "clog", "pump"}


def contents() -> dict[str, Any]:
    with permissions.by_the_test():
        clean_up(Stream(PRODUCTS))
        must_be_whole()
        return contents_of_catalogue()


# Cases from real reports.


def _cases() -> list[str]:
    return sorted(path.stem for path in CASES.glob("*.json"))


@pytest.mark.parametrize("name", _cases())
def test_an_import_case_has_its_expected_result(load: Importer, name: str) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    setup = CASES / f"{name}.setup.csv"
    content = (CASES / case["file"]).read_bytes()
    if setup.exists():
        assert load(setup.read_bytes())["status"] == "completed"
        for row in rows_in(load.export()):
            content = content.replace(f"@@PROD({row['Product Handle']})@@".encode(), row["Product Id"].encode())
            content = content.replace(f"@@VAR({row['Variant SKU']})@@".encode(), row["Variant Id"].encode())
    job = load(content, case.get("context", {}))
    expect = case["expect"]
    assert job["status"] == expect["status"], job["result"]
    if isinstance(expect.get("operations"), dict):
        assert job["result"]["operations"] == expect["operations"]
    if "count" in expect:
        assert job["result"]["count"] == expect["count"]
    errors = (job["result"] or {}).get("errors", [])
    if isinstance(expect.get("errors"), int):
        assert len(errors) == expect["errors"]
    for wanted in expect.get("each", []):
        said = [error["message"] for error in errors if error.get("line") == wanted.get("line")]
        parts = wanted.get("contains", [wanted.get("message", "")])
        assert any(all(part in message for part in parts) for message in said), (wanted, errors)
