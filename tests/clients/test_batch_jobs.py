"""The client of a shop's back office drives batch jobs, files and products."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients import published
from tests.clients.conftest import Site
from tests.contract.service import NAME, PASSWORD
from tests.support.jobs import JobWorkers

Ask = Callable[..., Any]

HEADER = "Product Handle;Product Title;Variant SKU;Price EUR\r\n"
SHIRTS = f"{HEADER}shirt;Shirt;S-1;19.90\r\nshirt;;S-2;24.90\r\nsock;Sock;K-1;3.50\r\n"
IMPORT = "product-import"


@pytest.fixture
def ask(site: Site) -> Ask:
    """Asks the client."""
    return partial(published.call, "with_medusa_js.js", base=site.base, key=site.key)


@pytest.fixture
def workers(site: Site) -> Iterator[JobWorkers]:
    """Those who work on jobs while the client looks elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        yield JobWorkers(patch)


@pytest.fixture
def upload(ask: Ask, tmp_path: Path) -> Callable[[str], str]:
    """Uploads a file; returns its key."""

    def uploaded(content: str) -> str:
        path = tmp_path / "products.csv"
        path.write_text(content, encoding="utf-8", newline="")
        answered = ask("upload", paths=[str(path)])
        assert "uploads" in answered, answered
        [upload] = answered["uploads"]
        assert requests.get(upload["url"], timeout=5).text == content
        return str(upload["key"])

    return uploaded


def content_of(ask: Ask, key: str) -> str:
    return requests.get(ask("download_url", file_key=key)["download_url"], timeout=5).content.decode()


def test_an_import_is_looked_at_confirmed_and_found_in_the_catalogue(
    ask: Ask, workers: JobWorkers, upload: Callable[[str], str]
) -> None:
    job = ask("create", job={"type": IMPORT, "context": {"fileKey": upload(SHIRTS)}, "dry_run": True})["batch_job"]
    assert (job["status"], job["dry_run"], job["result"]) == ("created", True, None)
    workers.run()
    job = ask("retrieve", id=job["id"])["batch_job"]
    assert (job["status"], job["result"]["count"]) == ("pre_processed", 5)
    assert ask("products", query={"handle": "shirt"})["count"] == 0
    assert ask("confirm", id=job["id"])["batch_job"]["status"] == "confirmed"
    workers.run()
    job = ask("retrieve", id=job["id"])["batch_job"]
    assert (job["status"], job["result"]["progress"]) == ("completed", 1)
    [shirt] = ask("products", query={"handle": "shirt"})["products"]
    assert [variant["sku"] for variant in ask("product", id=shirt["id"])["product"]["variants"]] == ["S-1", "S-2"]


def test_an_export_is_downloaded(ask: Ask, workers: JobWorkers, upload: Callable[[str], str]) -> None:
    imported = ask("create", job={"type": IMPORT, "context": {"fileKey": upload(f"{HEADER}hat;Hat;H-1;9.00\r\n")}})
    workers.run()
    assert ask("retrieve", id=imported["batch_job"]["id"])["batch_job"]["status"] == "completed"
    context = {"filterable_fields": {"handle": "hat"}, "list_config": {"skip": 0, "take": 50}}
    job = ask("create", job={"type": "product-export", "context": context})["batch_job"]
    workers.run()
    result = ask("retrieve", id=job["id"])["batch_job"]["result"]
    header, row, rest = content_of(ask, result["file_key"]).split("\r\n")
    cells = dict(zip(header.split(";"), row.split(";"), strict=True))
    assert (cells["Product Handle"], cells["Variant SKU"], cells["Price EUR"], rest) == ("hat", "H-1", "9.00", "")


def test_an_import_that_cannot_be_says_why(ask: Ask, workers: JobWorkers, upload: Callable[[str], str]) -> None:
    faulty = f"{HEADER}scarf;Scarf;C-1;a lot\r\n"
    job = ask("create", job={"type": IMPORT, "context": {"fileKey": upload(faulty)}, "dry_run": True})["batch_job"]
    workers.run()
    job = ask("retrieve", id=job["id"])["batch_job"]
    assert job["status"] == "failed"
    assert job["result"]["errors"]
    assert "a lot" in content_of(ask, job["result"]["error_file_key"])
    refused = ask("confirm", id=job["id"])
    assert (refused["status"], refused["body"]["type"]) == (400, "not_allowed")


def test_an_import_is_canceled(ask: Ask, workers: JobWorkers, upload: Callable[[str], str]) -> None:
    given = {"type": IMPORT, "context": {"fileKey": upload(f"{HEADER}cap;Cap;P-1;5.00\r\n")}, "dry_run": True}
    job = ask("create", job=given)["batch_job"]
    workers.run()
    canceled = ask("cancel", id=job["id"])["batch_job"]
    assert (canceled["status"], canceled["canceled_at"] is not None) == ("canceled", True)
    refused = ask("confirm", id=job["id"])
    assert (refused["status"], refused["body"]["message"]) == (
        400,
        "Cannot confirm processing for a batch job that is not pre processed",
    )


def test_jobs_are_listed_with_the_filters_that_the_client_writes(ask: Ask, workers: JobWorkers) -> None:
    made = [ask("create", job={"type": "product-export", "context": {}})["batch_job"]["id"] for _ in range(3)]
    listed = ask("list", query={"limit": 2, "id": made, "type": ["product-export"], "canceled_at": None})
    assert ([job["id"] for job in listed["batch_jobs"]], listed["count"], listed["limit"]) == (made[:0:-1], 3, 2)
    later = ask("list", query={"id": made, "created_at": {"gte": "2100-01-01T00:00:00.000Z"}})
    assert (later["batch_jobs"], later["count"]) == ([], 0)
    [expanded] = ask("list", query={"id": made[:1], "expand": "created_by_user"})["batch_jobs"]
    assert expanded["created_by_user"]["id"] == expanded["created_by"]


def test_files_are_kept_apart_and_removed(ask: Ask, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.csv", "übung 2.csv")]
    for path in paths:
        path.write_text(path.name, encoding="utf-8")
    uploads = ask("upload", paths=list(map(str, paths)), isProtected=True)["uploads"]
    assert [content_of(ask, one["key"]) for one in uploads] == ["one.csv", "übung 2.csv"]
    key = uploads[0]["key"]
    assert ask("remove", file_key=key) == {"id": key, "object": "file", "deleted": True}
    assert ask("download_url", file_key=key)["status"] == 404


def test_a_name_and_a_password_are_good_for_a_key(ask: Ask) -> None:
    token = ask("token", email=NAME, password=PASSWORD, key=None)["access_token"]
    assert "batch_jobs" in ask("list", query={}, key=token)
    assert ask("token", email=NAME, password="wrong", key=None) == {"status": 401, "body": "Unauthorized"}


def test_a_key_that_is_none_is_told(ask: Ask) -> None:
    assert ask("list", query={}, key="nobody's") == {"status": 401, "body": "Unauthorized"}
