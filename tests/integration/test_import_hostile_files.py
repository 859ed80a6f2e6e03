"""Imports of files that are no product files, or hardly: a clear error or the right products, and always an end."""

import io
import zipfile
from typing import Any

import pytest

from batchyard.batch_jobs import product_import, spool
from batchyard.batch_jobs.imports import reading, writing
from batchyard.catalogue import reference
from batchyard.store import blobs, clients
from tests.support import permissions
from tests.support.api import Api
from tests.support.importing import SHIRTS, Importer, handles, product, rows_in
from tests.support.jobs import JOBS, JobWorkers, job_of, let_in

HEADER = "Product Handle;Product Title;Variant SKU\n"


@pytest.fixture
def load(api: Api, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """A client that imports files."""
    let_in(api)
    workers = JobWorkers(monkeypatch)
    with permissions.by_the_test():
        reference.create_region("North America", "usd")
    return Importer(api, workers)


def zipped(text: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("products.csv", text)
    return held.getvalue()


GOOD: dict[str, tuple[bytes, dict[str, Any]]] = {
    "a BOM": (b"\xef\xbb\xbf" + SHIRTS.encode(), {}),
    "CR line ends": (SHIRTS.replace("\r\n", "\r").encode(), {}),
    "Latin-1, said so": (SHIRTS.replace("Sock", "Söck").encode("latin-1"), {"encoding": "iso-8859-1"}),
    "UTF-16, said so": (SHIRTS.encode("utf-16"), {"encoding": "utf-16"}),
    "100,000 empty lines": (SHIRTS.replace("sock", "\r\n" * 100_000 + "sock", 1).encode(), {}),
}

BAD: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", []),
    "a header alone": (HEADER.encode(), []),
    "Latin-1": (SHIRTS.replace("Sock", "Söck").encode("latin-1"), ["UTF-8"]),
    "UTF-16": (SHIRTS.encode("utf-16"), ["UTF-16"]),
    "NUL": ((HEADER + "a\0b;A;1\n").encode(), ["NUL"]),
    "a long row": ((HEADER + "a;A;1;2;3\n").encode(), []),
    "a cell of 2 MB": ((HEADER + f"a;{'x' * 2_000_000};1\n").encode(), []),
    "a zip": (zipped(SHIRTS), ["zip"]),
    "a header twice": (b"Product Handle;Product Title;Product Title\na;A;B\n", ["Product Title"]),
    "2,500 columns": (
        (";".join(["Product Handle", *(f"Image {n} Url" for n in range(1, 2500))]) + "\na\n").encode(),
        [],
    ),
    "2,049 rows of a handle": ((HEADER + "".join(f"a;A;S-{n}\n" for n in range(2049))).encode(), []),
    "a quote that stays open": ((HEADER + 'a;"A;1\nb;B;2\n').encode(), []),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_import_detects_the_encoding_and_delimiter_of_a_file(load: Importer, name: str) -> None:
    content, context = GOOD[name]
    done = load(content, context)
    assert done["status"] == "completed", done["result"]
    assert handles() == {"shirt", "sock"}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_imported_is_told(load: Importer, name: str) -> None:
    content, parts = BAD[name]
    failed = load(content)
    assert failed["status"] == "failed", failed["result"]
    result = failed["result"]
    assert result["error_count"] >= 1
    told = " ".join(error["message"] for error in result["errors"])
    assert all(part in told for part in parts), told
    rows = rows_in(load.file(result["error_file_key"]))
    assert sum(bool(row["Error Message"]) for row in rows) >= 1
    assert handles() == set()


@pytest.mark.parametrize(
    ("content", "context", "why"),
    [
        ("x" * 900_000, {}, "The title of column 1 has 900000 characters"),
        (f"Product Handle;Price {'x' * 500_000} [EUR]\na;1\n", {}, "The title of column 2 has"),
        ("Product Handle;" + ";".join(f"{number}{'é' * 900}" for number in range(400)), {}, "All titles have"),
        (
            "Handle,Title," + ",".join(f"{number}{'é' * 900} (product.metafields.a.b)" for number in range(400)),
            {"dialect": "shopify", "currency": "eur"},
            "All titles have",
        ),
    ],
    ids=["one line", "one title", "unknown titles", "ignored titles"],
)
def test_titles_that_a_job_could_not_keep_are_told(
    load: Importer, content: str, context: dict[str, str], why: str
) -> None:
    job = load(content, context)
    assert job["status"] == "failed"
    assert why in job["result"]["errors"][0]["message"]


def test_as_many_errors_are_listed_as_a_job_can_keep(load: Importer) -> None:
    region = "\N{OX}" * 900
    rows = "".join(f"p{number};1;x\n" for number in range(60))
    failed = load(f"Product Handle;Price {region} [EUR];Product Weight\n{rows}")
    assert failed["status"] == "failed"
    errors = failed["result"]["errors"]
    assert failed["result"]["error_count"] == 120
    assert 20 < len(errors) < 100
    assert [error["line"] for error in errors] == [number // 2 + 1 for number in range(len(errors))]
    assert {len(error["column"]) for error in errors} == {300, len("Product Weight")}
    assert len(load.file(failed["result"]["error_file_key"]).decode().splitlines()) == 61


def test_as_many_titles_as_there_can_be_are_kept(load: Importer) -> None:
    titles = [f"{number} {'é' * 5} (product.metafields.a.b{number})" for number in range(1998)]
    context = {"dialect": "shopify", "currency": "eur"}
    done = load(f"Handle,Title,{','.join(titles)}\na,A\n", context)
    assert done["status"] == "completed", done["result"]
    assert done["result"]["ignored_columns"] == titles


def test_one_sku_in_thousands_of_products(load: Importer) -> None:
    content = HEADER + "".join(f"p{number};T;S-1\n" for number in range(3000))
    failed = load(content)
    assert failed["status"] == "failed"
    assert (failed["result"]["error_count"], len(failed["result"]["errors"])) == (2999, 100)
    rows = rows_in(load.file(failed["result"]["error_file_key"]))
    assert [row["Error Line"] for row in rows] == [str(line) for line in range(2, 3001)]


def test_files_are_read_in_steps(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STEP", 40)
    done = load(SHIRTS)
    assert done["status"] == "completed", done["result"]
    assert handles() == {"shirt", "sock"}


def test_rows_of_a_product_are_bounded_by_their_bytes_too(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What many rows repeat counts once; what they do not is held in memory as long as it is not too much."""
    monkeypatch.setattr(spool, "LARGEST_GROUP", 10_000)
    header = "Product Handle;Product Description;Variant SKU;Variant Title\n"
    repeated = "".join(f"hat;{'x' * 3000};H-{n};{n}\n" for n in range(20))
    large = "".join(f"coat;{n}{'y' * 3000};C-{n};{n}\n" for n in range(20))
    bad = load(header + repeated + large)
    assert bad["status"] == "failed"
    [error] = bad["result"]["errors"]
    assert (error["message"], error["line"]) == ("Product coat has more than 10000 bytes of rows", 24)
    left = rows_in(load.file(bad["result"]["error_file_key"]))
    assert [row["Variant SKU"] for row in left] == [f"C-{n}" for n in range(20)]
    done = load(header + large + repeated, {"on_error": "skip"})
    assert (done["status"], done["result"]["products"]) == ("completed", 1)
    assert handles() == {"hat"}
    assert len(product("hat").variants) == 20


@pytest.mark.parametrize("length", [100, 5000])
def test_steps_of_long_rows_are_shorter(load: Importer, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """Their memory is bounded, however many rows a step may have."""
    monkeypatch.setattr(product_import, "_BYTES_AT_ONCE", 20_000)
    lanes: list[int] = []
    write = writing.write

    def counted(planner: Any, groups: Any) -> Any:
        some = list(groups)
        lanes.append(len(some))
        return write(planner, some)

    monkeypatch.setattr(writing, "write", counted)
    header = HEADER.replace("Title", "Description")
    done = load(header + "".join(f"p{n};{n}{'x' * length};S-{n}\n" for n in range(40)))
    assert done["status"] == "completed"
    assert lanes == ([40] if length == 100 else [4] * 10)


def test_an_upload_that_is_replaced_while_it_is_read_stays_what_it_was(
    load: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STEP", 40)
    key = load.upload(SHIRTS.encode())
    made = load.api.post(JOBS, {"type": "product-import", "context": {"fileKey": key}}).json()["batch_job"]
    load.workers.follow()
    [message] = load.workers.receive()
    load.workers.work(message, looks=2)
    with permissions.by_the_test():
        clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=SHIRTS.replace("sock", "hood").encode())
    load.workers.run()
    assert job_of(load.api, made["id"])["status"] == "completed"
    assert handles() == {"shirt", "sock"}
