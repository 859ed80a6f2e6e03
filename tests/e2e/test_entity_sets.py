"""The catalogue's entity sets on the deployed system: made, changed by a batch, found, listed by label, exported."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.e2e.system import eventually

pytestmark = pytest.mark.e2e

SKU = "E2E-BOOTS"
JOBS, UPLOADS = "/admin/batch-jobs", "/admin/uploads"


def found(client: httpx.Client, condition: str, **options: str) -> list[dict[str, Any]]:
    """The products that a filter finds."""
    answer = client.get("/v1/Products", params={"$filter": condition, **options})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


def test_a_product_is_made_changed_found_and_exported(client: httpx.Client, channel: int) -> None:
    made = client.post("/v1/Products", json={"Sku": SKU, "Title": "Boots"})
    assert made.status_code == 201, made.text
    id = made.json()["ID"]
    assert client.get(made.headers["Location"]).json()["Sku"] == SKU
    together = {"atomicityGroup": "all", "method": "POST"}
    attributes = {"Value": {"Attributes": [{"Name": "Size", "Value": "42"}]}}
    stock = {"Value": {"UpdateType": "Relative", "Updates": [{"DistributionCenterID": 0, "Quantity": 5}]}}
    opening = {"url": f"/api/v1/channel/{channel}/batch_requests/", "body": {"channel": channel}}
    requests = [
        {"id": "1", **together, "url": f"Products({id})/UpdateAttributes", "body": attributes},
        {"id": "2", **together, "url": f"Products({id})/UpdateQuantity", "body": stock},
        {"id": "3", **together, **opening},
    ]
    too_few = {"Value": {"UpdateType": "Relative", "Updates": [{"DistributionCenterID": 0, "Quantity": -6}]}}
    refused = [*requests[:2], {**requests[1], "id": "4", "body": too_few}]
    answers = client.post("/v1/$batch", json={"requests": refused}).json()["responses"]
    assert [one["status"] for one in answers] == [424, 424, 400]
    answers = client.post("/v1/$batch", json={"requests": requests}).json()["responses"]
    assert [one["status"] for one in answers] == [204, 204, 201]
    assert client.put(f"/v1/ProductLabels(ProductID={id},Name='Winter sale')").status_code == 204
    image = client.put(f"/v1/Products({id})/Images('ITEMIMAGEURL1')", json={"Url": "https://img.example/1.jpg"})
    assert image.status_code == 204, image.text

    [one] = found(client, f"sku eq '{SKU}'", **{"$expand": "Attributes,DCQuantities,Labels"})
    assert (one["ID"], one["TotalAvailableQuantity"], one["Attributes"][0]["Value"]) == (id, 5, "42")
    changed = f"UpdateDateUtc ge {one['UpdateDateUtc']}"
    assert eventually(lambda: [entry["ID"] for entry in found(client, changed)]) == [id]
    # Labels are listed by the change stream's handler.
    labelled = "Labels/Any (l: l/Name eq 'Winter sale')"
    assert eventually(lambda: [entry["ID"] for entry in found(client, labelled)]) == [id]

    export = {"type": "product-export", "context": {"filterable_fields": {"handle": SKU}}}
    job = client.post(JOBS, json=export).json()["batch_job"]["id"]

    def result() -> dict[str, Any] | None:
        told = client.get(f"{JOBS}/{job}").json()["batch_job"]
        assert told["status"] != "failed", told
        return told["result"] if told["status"] == "completed" else None

    key = {"file_key": eventually(result)["file_key"]}
    file = httpx.get(client.post(f"{UPLOADS}/download-url", json=key).json()["download_url"], trust_env=False)
    [row] = csv.DictReader(io.StringIO(file.content.decode()), delimiter=";")
    assert (row["Variant SKU"], row["Product Title"], row["Variant Inventory Quantity"]) == (SKU, "Boots", "5")

    assert client.delete(f"/v1/Products({id})").status_code == 204
    assert client.get(f"/v1/Products({id})").status_code == 404
    assert eventually(lambda: not found(client, labelled))
