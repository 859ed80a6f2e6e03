"""Batch jobs, files and products on the deployed system: through its streams and queues, with its own policies."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from batchyard import operator
from batchyard.catalogue import operations, reference
from tests.e2e.system import eventually, invoke, messages
from tests.support import aws
from tools import catalogue
from tools.catalogue import Made
from tools.demo.client import Client
from tools.demo.goods import JOBS, play_goods, rows
from tools.demo.imports import FOLDER, play_imports
from tools.demo.person import Person
from tools.local_stack import STACK, LocalStack

pytestmark = pytest.mark.e2e

UPLOADS = "/admin/uploads"
# Some 40 kB of content once it is packed: it lies in S3, and is not written in one transaction.
LARGE = 1_200


@pytest.fixture(scope="module", autouse=True)
def tables(stack: LocalStack) -> Iterator[None]:
    """Points this process at the stack's tables, as the operator's command does."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment.items():
            patch.setenv(name, value)
        patch.setenv("CONTENT_BUCKET", stack.physical_id("ContentBucket"))
        aws.forget()
        operator.enter(STACK)
        yield
    aws.forget()


@pytest.fixture(scope="module")
def goods() -> list[Made]:
    """What is in the catalogue."""
    return catalogue.provide(60)


def job(client: httpx.Client, context: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    answer = client.post(JOBS, json={"type": "product-export", "context": context or {}} | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["batch_job"])


def reaching(client: httpx.Client, id: str, status: str) -> dict[str, Any]:
    """A job once it has this status."""

    def look() -> dict[str, Any] | None:
        found = client.get(f"{JOBS}/{id}").json()["batch_job"]
        assert found["status"] != "failed", found
        return found if found["status"] == status else None

    return eventually(look)


def download(client: httpx.Client, key: str) -> bytes:
    answer = client.post(f"{UPLOADS}/download-url", json={"file_key": key})
    assert answer.status_code == 200, answer.text
    file = httpx.get(answer.json()["download_url"], trust_env=False)
    assert file.status_code == 200, file.text
    return file.content


def keys(stack: LocalStack, prefix: str) -> list[str]:
    listed = stack.engine.client("s3").list_objects_v2(Bucket=stack.physical_id("ContentBucket"), Prefix=prefix)
    return [found["Key"] for found in listed.get("Contents", [])]


def test_product_exports_hold_the_whole_catalogue(stack: LocalStack, goods: list[Made]) -> None:
    settings, seen = stack.settings, []
    client = Client(stack.base_url, settings["TOKEN"], int(settings["CHANNEL_ID"]))
    channels = {channel.id: channel for channel in reference.sales_channels()}
    try:
        exported = play_goods(client, goods, channels, lambda *progress: seen.append(progress))
    finally:
        client.close()
    assert (exported.products, exported.variants) == (60, sum(len(one.product.variants) for one in goods))
    assert 0 < exported.some < 60
    assert (exported.all, exported.all) in seen
    eventually(lambda: not keys(stack, "spools/"))


def test_files_become_products_and_are_undone(
    stack: LocalStack, goods: list[Made], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings, out = stack.settings, io.StringIO()
    for name in ("BASE_URL", "TOKEN"):
        monkeypatch.setenv(name, settings[name])
    monkeypatch.chdir(tmp_path)
    client = Client(stack.base_url, settings["TOKEN"], int(settings["CHANNEL_ID"]))
    channels = {channel.id: channel for channel in reference.sales_channels()}
    person = Person(Console(file=out, highlight=False, markup=False, width=120))
    try:
        # Again in the same catalogue, where the products of the other shop are by then.
        for _ in range(2):
            imported = play_imports(person, client, 40, channels)
    finally:
        client.close()
    assert goods
    assert (imported.products, imported.mistakes) == (40, 8)
    assert imported.rows >= 40
    assert [path.name for path in (tmp_path / FOLDER).glob("*.errors*")] == ["spring-with-mistakes.errors.csv"]
    text = out.getvalue()
    assert "This import makes: 3 new products, 5 new variants." in text
    assert "This import makes: 3 changed products, 5 changed variants." in text
    assert settings["TOKEN"] not in text


def test_a_product_with_many_variants(client: httpx.Client) -> None:
    [made] = catalogue.fill(1, 1_001, variants=LARGE)
    done = reaching(client, job(client, {"filterable_fields": {"handle": made.product.handle}})["id"], "completed")
    assert done["result"]["count"] == 1
    text = download(client, done["result"]["file_key"]).decode()
    channels = {channel.id: channel for channel in reference.sales_channels()}
    assert [row["Variant Id"] for row in rows(made, channels)] == [
        cell for line in text.split("\r\n")[1:] for cell in line.split(";") if cell.startswith("variant_")
    ]


def test_an_export_writes_products_as_they_were_read(client: httpx.Client, goods: list[Made]) -> None:
    product = goods[3].product
    asked = {"filterable_fields": {"id": [product.id]}}
    waiting = job(client, asked, dry_run=True)
    seen = reaching(client, waiting["id"], "pre_processed")
    assert (seen["result"]["count"], seen["confirmed_at"], "file_key" in seen["result"]) == (1, None, False)
    operations.set_quantities(product.variants[0].entity, {0: 4_321}, "e2e")
    assert client.post(f"{JOBS}/{waiting['id']}/confirm").json()["batch_job"]["status"] == "confirmed"
    old = download(client, reaching(client, waiting["id"], "completed")["result"]["file_key"])
    new = download(client, reaching(client, job(client, asked)["id"], "completed")["result"]["file_key"])
    assert (b";4321;" in old, b";4321;" in new) == (False, True)


def test_a_batch_job_is_canceled(
    stack: LocalStack, client: httpx.Client, other_client: httpx.Client, goods: list[Made]
) -> None:
    assert goods
    waiting = job(client, dry_run=True)
    address = f"{JOBS}/{waiting['id']}"
    early = client.post(f"{address}/confirm")
    if early.status_code == 400:
        assert early.json()["message"].startswith("Cannot confirm processing")
        reaching(client, waiting["id"], "pre_processed")
    assert other_client.get(address).json() == {
        "type": "not_allowed",
        "message": "Cannot access a batch job that does not belong to the logged in user",
    }
    canceled = client.post(f"{address}/cancel").json()["batch_job"]
    assert (canceled["status"], canceled["canceled_at"] is None) == ("canceled", False)
    assert client.post(f"{address}/cancel").json()["batch_job"] == canceled
    assert client.post(f"{address}/undo").status_code == 400
    eventually(lambda: not keys(stack, "spools/"))
    listed = client.get(JOBS, params={"type[]": "product-export", "limit": 1}).json()
    assert (listed["batch_jobs"][0]["id"], listed["limit"]) == (waiting["id"], 1)
    assert other_client.get(JOBS).json()["batch_jobs"] == []
    done = client.get(JOBS, params={"completed_at[gt]": "0", "limit": 1}).json()["batch_jobs"][0]
    refused = client.post(f"{JOBS}/{done['id']}/cancel")
    assert (refused.status_code, refused.json()["message"]) == (400, "Cannot cancel completed batch job")


def test_a_key_is_honoured_and_errors_have_their_words(client: httpx.Client) -> None:
    once = {"Idempotency-Key": "nightly"}
    body = {"type": "product-export", "context": {"limit": 0}}
    first = client.post(JOBS, json=body, headers=once)
    again = client.post(JOBS, json=body, headers=once)
    assert (first.status_code, again.json()["batch_job"]["id"]) == (201, first.json()["batch_job"]["id"])
    refused = client.post(JOBS, json={"type": "nope", "context": {}})
    assert (refused.status_code, refused.json()["type"]) == (404, "not_found")
    assert client.patch(JOBS, json={}).status_code == 405
    assert reaching(client, first.json()["batch_job"]["id"], "completed")["result"]["count"] == 0


def test_status_events_of_batch_jobs_are_published(stack: LocalStack, client: httpx.Client) -> None:
    id = job(client, {"limit": 0})["id"]
    seen: list[str] = []

    def all_of_them() -> bool:
        for event in messages(stack, "StatusChangesQueue"):
            if event["detail-type"] == "BatchJob Status Changed" and event["detail"]["id"] == id:
                seen.append(event["detail"]["newStatus"])
        return seen[-1:] == ["completed"]

    eventually(all_of_them)
    assert seen == ["created", "pre_processed", "confirmed", "processing", "completed"]


def test_jobs_without_progress_are_looked_at(stack: LocalStack) -> None:
    assert invoke(stack, "LookAtBatchJobsFunction", {}) == {"announced": 0}


@pytest.mark.parametrize("path", [UPLOADS, f"{UPLOADS}/protected"])
def test_uploaded_files_come_back_to_the_byte(
    client: httpx.Client, other_client: httpx.Client, anonymous: httpx.Client, path: str
) -> None:
    latin = "Product Handle;Product Title\r\nläufer;Läufer\r\n".encode("latin-1")
    every_byte = bytes(range(256)) * 64
    sent: list[tuple[str, Any]] = [("files", ("Größen 2025.csv", latin, "text/csv")), ("files", ("b.bin", every_byte))]
    assert anonymous.post(path, files=sent).status_code == 401
    answer = client.post(path, files=sent)
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["uploads"]
    assert first["key"].endswith("/Größen 2025.csv")
    found = httpx.get(first["url"], trust_env=False)
    assert (found.content, "attachment" in found.headers["Content-Disposition"]) == (latin, True)
    assert download(client, second["key"]) == every_byte
    assert other_client.post(f"{UPLOADS}/download-url", json={"file_key": first["key"]}).status_code == 404
    for upload in (first, second):
        gone = client.request("DELETE", UPLOADS, json={"file_key": upload["key"]})
        assert gone.json() == {"id": upload["key"], "object": "file", "deleted": True}
    assert client.post(f"{UPLOADS}/download-url", json={"file_key": first["key"]}).status_code == 404


def test_a_form_too_large_is_refused(client: httpx.Client) -> None:
    refused = client.post(UPLOADS, files={"files": ("a.csv", b"x" * (4 * 1024 * 1024 + 1))})
    assert (refused.status_code, refused.json()["type"]) == (413, "content_too_large"), refused.text


def test_a_large_file_is_put_at_its_url(client: httpx.Client) -> None:
    content = b"Product Handle\r\n" + b"boots\r\n" * 800_000
    asked = {"file_name": "large.csv", "size": len(content)}
    answer = client.post(f"{UPLOADS}/presigned-urls", json=asked)
    assert answer.status_code == 201, answer.text
    place = answer.json()
    assert client.post(f"{UPLOADS}/download-url", json={"file_key": place["key"]}).status_code == 404
    wrong = httpx.put(place["url"], content=content[:-1], trust_env=False)
    assert wrong.status_code == 403, wrong.text
    put = httpx.put(place["url"], content=content, trust_env=False)
    assert put.status_code == 200, put.text
    assert download(client, place["key"]) == content


def test_products_are_shown(client: httpx.Client, goods: list[Made]) -> None:
    product = goods[0].product
    shown = client.get(f"/admin/products/{product.id}").json()["product"]
    assert (shown["handle"], len(shown["variants"])) == (product.handle, len(product.variants))
    quantities = [sum(goods[0].stock.get(one.entity, {}).values()) for one in product.variants]
    assert [one["inventory_quantity"] for one in shown["variants"]] == quantities
    page = client.get("/admin/products", params={"q": product.handle.upper(), "status[0]": product.status}).json()
    assert product.id in [one["id"] for one in page["products"]]
    newest = client.get("/admin/products", params={"limit": 100, "order": "created_at"}).json()
    assert newest["count"] >= 60
    assert newest["products"][0]["id"] == product.id
    assert client.get("/admin/products/prod_nowhere").status_code == 404


def test_an_access_token_is_good_for_files_products_and_jobs(stack: LocalStack, anonymous: httpx.Client) -> None:
    settings = stack.settings
    refused = anonymous.get("/admin/products")
    assert (refused.status_code, refused.text) == (401, "Unauthorized")
    wrong = {"email": settings["USERNAME"], "password": "guessed"}
    assert anonymous.post("/admin/auth/token", json=wrong).status_code == 401
    answer = anonymous.post("/admin/auth/token", json={**wrong, "password": settings["PASSWORD"]})
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    for headers in ({"x-medusa-access-token": token}, {"Authorization": f"Bearer {token}"}):
        assert anonymous.get("/admin/products", headers=headers).status_code == 200
        assert anonymous.get(JOBS, headers=headers).status_code == 200


IMPORTED = (
    "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR;Option 1 Name;Option 1 Value\r\n"
    "e2e-shirt;Shirt;E2E-S;5;19.90;Size;S\r\n"
    "e2e-shirt;;E2E-M;7;24.90;Size;M\r\n"
    "e2e-sock;Sock;E2E-K;9;3.50;;\r\n"
)


def brought(client: httpx.Client, content: str) -> str:
    """The key of a file that a client brings."""
    answer = client.post(UPLOADS, files={"files": ("products.csv", content.encode(), "text/csv")})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["uploads"][0]["key"])


def stocks(client: httpx.Client) -> dict[str, list[int]]:
    """What the catalogue has of the file's products: their handles, and how many pieces of each variant."""
    found = {}
    for handle in ("e2e-shirt", "e2e-sock"):
        for product in client.get("/admin/products", params={"handle": handle}).json()["products"]:
            found[handle] = [variant["inventory_quantity"] for variant in product["variants"]]
    return found


def test_a_file_is_imported_changed_deleted_and_taken_back(client: httpx.Client) -> None:
    whole = {"e2e-shirt": [5, 7], "e2e-sock": [9]}

    def done(context: dict[str, Any], kind: str = "product-import") -> str:
        made = job(client, context, type=kind)
        assert reaching(client, made["id"], "completed")["result"]["progress"] == 1
        return str(made["id"])

    def undone(id: str) -> None:
        assert client.post(f"{JOBS}/{id}/undo").status_code == 200
        eventually(lambda: client.get(f"{JOBS}/{id}").json()["batch_job"]["result"]["undo"]["status"] == "completed")

    imported = done({"fileKey": brought(client, IMPORTED)})
    assert stocks(client) == whole
    changed = done({"fileKey": brought(client, IMPORTED.replace(";5;", ";6;")), "match": "handle"})
    assert stocks(client) == {**whole, "e2e-shirt": [6, 7]}
    undone(changed)
    assert stocks(client) == whole
    deleted = done({"filterable_fields": {"handle": ["e2e-shirt", "e2e-sock"]}}, "product-delete")
    assert stocks(client) == {}
    undone(deleted)
    assert stocks(client) == whole
    undone(imported)
    assert stocks(client) == {}


def test_errors_of_an_imported_file_come_back_in_an_error_file(client: httpx.Client) -> None:
    context = {"fileKey": brought(client, IMPORTED.replace("24.90", "24,90")), "on_error": "skip"}
    made = job(client, context, type="product-import")
    done = reaching(client, made["id"], "completed")
    assert (done["result"]["count"], done["result"]["error_count"]) == (2, 1)
    assert "24,90" in download(client, done["result"]["error_file_key"]).decode()
    assert stocks(client) == {"e2e-sock": [9]}
    assert client.post(f"{JOBS}/{made['id']}/undo").status_code == 200
