"""Product batches on the deployed system: every route with the policies of its own function, and what follows."""

import io
from typing import Any

import httpx
import pypdf
import pytest

from tests.e2e.system import eventually, invoke, messages
from tools.demo.client import Client
from tools.demo.lot import play_lot
from tools.local_stack import LocalStack

pytestmark = pytest.mark.e2e

GTIN = "09521234543213"
COLLECTION = "/admin/collection/e2e"
PRODUCT = f"{COLLECTION}/product/oil"


def made(client: httpx.Client, id: str, product: str = "oil", **fields: Any) -> str:
    """The path of a new batch."""
    batches = f"{COLLECTION}/product/{product}/batch"
    answer = client.post(batches, json={"id": id, "gtin": GTIN, **fields})
    assert answer.status_code == 200, answer.text
    return f"{batches}/{id}"


def read(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_lot_is_played_through(stack: LocalStack) -> None:
    client = Client(stack.base_url, stack.settings["TOKEN"], int(stack.settings["CHANNEL_ID"]))
    try:
        assert play_lot(client).quantity == 1_500
    finally:
        client.close()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer by_nobody"}, {"X-API-Key": "by_nobody"}])
def test_a_key_is_asked_for_in_the_words_of_the_family(anonymous: httpx.Client, headers: dict[str, str]) -> None:
    answer = anonymous.get(f"{COLLECTION}/batch", headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json() == {
        "code": 401,
        "errorCode": "UNAUTHORIZED",
        "message": "A valid API key is required.",
        "details": {},
    }


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_the_key_comes_in_either_header(stack: LocalStack, anonymous: httpx.Client, header: str) -> None:
    key = stack.settings["TOKEN"]
    answer = anonymous.get(f"{COLLECTION}/batch", headers={header: key if header == "X-API-Key" else f"Bearer {key}"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("path", "allowed"), [(f"{PRODUCT}/batch", "GET, HEAD, POST"), (f"{PRODUCT}/batch/A1/getSN", "GET, HEAD")]
)
def test_another_method_is_refused_in_the_words_of_the_family(client: httpx.Client, path: str, allowed: str) -> None:
    answer = client.patch(path, json={})
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.json()["errorCode"] == "METHOD_NOT_ALLOWED"


def test_lots_are_listed_and_serials_looked_up(client: httpx.Client, anonymous: httpx.Client) -> None:
    first = made(client, "A1", name="First pressing", quantity=30, tags=[{"code": "c1", "claimSetId": "s"}])
    made(client, "A2", name="Second pressing")
    made(client, "A2", product="vinegar")
    assert [one["id"] for one in read(client, f"{PRODUCT}/batch")][:2] == ["A1", "A2"]
    page = client.get(f"{COLLECTION}/batch", params={"search": "PRESSING", "limit": 1})
    assert [one["id"] for one in page.json()] == ["A1"]
    following = page.headers["Link"].partition(">")[0].removeprefix("<")
    assert [one["id"] for one in read(client, following)] == ["A2"]
    assert [one["productId"] for one in read(client, f"{COLLECTION}/batch?productId=vinegar")] == ["vinegar"]
    assert read(client, f"{COLLECTION}/batch/A1")["productId"] == "oil"
    ambiguous = client.get(f"{COLLECTION}/batch/A2")
    assert (ambiguous.status_code, ambiguous.json()["errorCode"]) == (409, "AMBIGUOUS_BATCH")
    tag = {"code": "c1", "claimSetId": "s", "productId": "oil", "batchId": "A1"}
    assert read(client, f"{COLLECTION}/batch/A1/tags") == [tag]
    code = read(client, f"{first}/getSN?startIndex=29&count=5")["items"][0]["code"]
    assert {read(client, f"{place}/lookupSN/{code}")["index"] for place in (first, PRODUCT, COLLECTION)} == {29}
    assert read(anonymous, f"/public{first.removeprefix('/admin')}")["name"] == "First pressing"
    assert read(anonymous, f"/public/collection/e2e/verifySN/{code}")["valid"]
    changed = client.patch(f"{first}/serial/{code}", json={"status": "stolen"})
    assert changed.status_code == 200, changed.text
    assert not read(anonymous, f"/public/collection/e2e/verifySN/{code}")["valid"]
    [change] = read(client, f"{first}/serialChange")
    assert change["id"] == changed.json()["changeId"]


@pytest.mark.parametrize("format", ["ndjson", "epcis"])
def test_a_lot_is_exported_in_each_format(client: httpx.Client, format: str) -> None:
    path = made(client, f"X-{format}", quantity=1_200)
    started = client.post(f"{path}/export", json={"format": format})
    assert started.status_code == 202, started.text
    address = f"{path}/export/{started.json()['id']}"
    done = eventually(lambda: answer if (answer := read(client, address))["status"] == "done" else None)
    file = httpx.get(done["downloadUrl"], trust_env=False)
    if format == "epcis":
        listed = [epc for event in file.json()["epcisBody"]["eventList"] for epc in event["epcList"]]
    else:
        listed = file.text.splitlines()
    assert len(listed) == 1_200
    assert read(client, path)["exports"][0]["status"] == "done"


def test_a_sheet_to_print(client: httpx.Client) -> None:
    path = made(client, "S1", quantity=8)
    answer = client.get(f"{path}/sheet", params={"count": 6})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml"), answer.text
    assert answer.text.count("<path") == 6
    answer = client.get(f"{path}/sheet", params={"count": 6, "symbology": "datamatrix", "format": "pdf"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf"), answer.text
    # Every byte arrives, or its table of places is wrong.
    [page] = pypdf.PdfReader(io.BytesIO(answer.content), strict=True).pages
    assert page.extract_text().split("\n")[0] == "S1 · 0-5"


def test_a_change_set_of_lots_and_batch_requests(client: httpx.Client, channel: int) -> None:
    path = f"/api/v1/channel/{channel}/batch_requests/"
    opening = {"id": "1", "method": "POST", "url": path, "body": {"channel": channel}, "atomicityGroup": "both"}
    making = {"id": "2", "method": "POST", "url": f"{PRODUCT}/batch", "atomicityGroup": "both"}
    refused = {"requests": [opening, {**making, "body": {"id": "C1", "quantity": -1}}]}
    assert [one["status"] for one in client.post("/v1/$batch", json=refused).json()["responses"]] == [424, 400]
    assert read(client, path)["results"] == []
    taken = {"requests": [opening, {**making, "body": {"id": "C1", "quantity": 5}}]}
    opened, batch = client.post("/v1/$batch", json=taken).json()["responses"]
    assert (opened["status"], batch["status"]) == (201, 200)
    assert read(client, f"{PRODUCT}/batch/C1") == batch["body"]


def test_events_of_lots_and_serials_are_published_and_leftovers_removed(
    stack: LocalStack, client: httpx.Client
) -> None:
    path = made(client, "P1", quantity=10)
    code = read(client, f"{path}/getSN?count=1")["items"][0]["code"]
    client.patch(f"{path}/serial/{code}", json={"status": "dispensed"})
    assert client.delete(path).status_code == 409
    assert client.delete(f"{path}?force=true").status_code == 200
    seen: list[tuple[str, Any]] = []

    def all_three() -> bool:
        for event in messages(stack, "StatusChangesQueue"):
            detail = event["detail"]
            if event["source"] == "batchyard.product_batches" and "P1" in {detail.get("id"), detail.get("batchId")}:
                seen.append((event["detail-type"], detail.get("newStatus", detail.get("status"))))
        return len(seen) == 3

    eventually(all_three)
    assert seen == [
        ("ProductBatch Status Changed", "active"),
        ("ProductBatch Serials Changed", "dispensed"),
        ("ProductBatch Status Changed", None),
    ]

    def is_gone() -> bool:
        items = stack.engine.client("dynamodb").scan(TableName=stack.physical_id("ProductBatchesTable"))["Items"]
        return not [one for one in items if one.get("of_batch") == {"S": "P1"} or _is_of(one["sort_key"]["S"], "P1")]

    eventually(is_gone)
    assert [one["status"] for one in read(client, f"{path}/serialChange?removed=true")] == ["dispensed"]


def _is_of(sort_key: str, batch: str) -> bool:
    # Changes of serials outlive their batch.
    return f" {batch} " in sort_key and not sort_key.startswith("change ")


def test_a_lot_expires(stack: LocalStack, client: httpx.Client) -> None:
    path = made(client, "E1", expiryDate="2020-02-29")
    invoke(stack, "ExpireProductBatchesFunction", {})
    assert read(client, path)["status"] == "expired"
