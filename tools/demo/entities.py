"""A product through OData: made, changed with a batch request in one change set, found by a filter, seen in a file."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tools.demo.batch import expect_statuses, send
from tools.demo.client import Client, Differs, Json
from tools.demo.goods import export, rows_in

_PIECES = 24


@dataclass(frozen=True, slots=True)
class Entities:
    """What the entity sets showed.

    Args:
        id: The integer ID of the product.
        requests: How many requests the change set had.
    """

    id: int
    sku: str
    requests: int


def play_entities(client: Client, *, in_file: bool) -> Entities:
    """Makes a product, changes and finds it; raises `Differs` as soon as something is not what it must be.

    Args:
        client: The client of the channel.
        in_file: It is also looked for in an export.
    """
    sku = f"LAMP-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    made = client.call("POST", "/v1/Products", json={"Sku": sku, "Title": "Lamp", "Brand": "Fiat Lux"}, expect=201)
    id = int(made.json()["ID"])
    requests = _change_set(client, id)
    answers = send(client, requests)
    expect_statuses([204, 204, 204, 201], answers)
    found = client.get("/v1/Products", query=[("$filter", f"sku eq '{sku}'"), ("$expand", "Attributes,DCQuantities")])
    [product] = found["value"]
    shown = {
        "ID": product["ID"],
        "Title": product["Title"],
        "attributes": {one["Name"]: one["Value"] for one in product["Attributes"]},
        "quantities": {one["DistributionCenterID"]: one["AvailableQuantity"] for one in product["DCQuantities"]},
    }
    wanted = {"ID": id, "Title": "Desk lamp", "attributes": {"Colour": "brass"}, "quantities": {0: _PIECES}}
    if shown != wanted:
        raise Differs(f"a product is {shown} instead of {wanted}")
    if in_file:
        _must_be_in_file(client, sku)
    client.call("DELETE", f"/v1/Products({id})", expect=204)
    client.call("DELETE", f"{client.batch_requests}{answers[-1]['body']['pk']}/", expect=204)
    return Entities(id, sku, len(requests))


def _change_set(client: Client, id: int) -> list[Json]:
    update = {"Updates": [{"DistributionCenterID": 0, "Quantity": _PIECES}]}
    requests = [
        ("PATCH", f"Products({id})", {"Title": "Desk lamp"}),
        ("PATCH", f"AttributeValues(ProductID={id},Name='Colour')", {"Value": "brass"}),
        ("POST", f"Products({id})/UpdateQuantity", {"Value": update}),
        ("POST", client.batch_requests, {"channel": client.channel_id}),
    ]
    return [
        {"id": str(number), "atomicityGroup": "lamp", "method": method, "url": url, "body": body}
        for number, (method, url, body) in enumerate(requests, 1)
    ]


def _must_be_in_file(client: Client, sku: str) -> None:
    _, text = export(client, {"filterable_fields": {"handle": sku}}, lambda *_: None)
    told = [(row["Variant SKU"], row["Product Title"], row["Variant Inventory Quantity"]) for row in rows_in(text)]
    if told != [(sku, "Desk lamp", str(_PIECES))]:
        raise Differs(f"the export of a product is {told}")
