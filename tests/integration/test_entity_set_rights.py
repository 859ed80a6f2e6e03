"""Who may do what with entity sets: each kind of request with each kind of token, alone and in batches."""

from collections.abc import Mapping
from typing import Any

import pytest

from batchyard.scope import Scope
from batchyard.store import clients
from tests.integration.test_rights import SCOPES
from tests.support.api import EVERYTHING, Api

TEXT = {"Content-Type": "text/plain"}
READING = (
    ("GET", "/v1/", None),
    ("GET", "/v1/$metadata", None),
    ("GET", "/v1/Products", None),
    ("HEAD", "/v1/Products", None),
    ("GET", "/v1/Products({id})", None),
    ("GET", "/v1/Products({id})/Sku", None),
    ("GET", "/v1/Products({id})/Attributes", None),
    ("GET", "/v1/Products/$count", None),
    ("POST", "/v1/Products/$query", "$filter=Sku eq 'A'"),
    ("GET", "/v1/DistributionCenters", None),
)
WRITING = (
    ("POST", "/v1/Products", {"Sku": "NEW"}),
    ("PATCH", "/v1/Products({id})", {"Title": "Boots"}),
    ("PUT", "/v1/Products({id})", {"Title": "Boots"}),
    ("POST", "/v1/AttributeValues", {"ProductID": 0, "Name": "Size", "Value": "1"}),
    ("POST", "/v1/Products({id})/UpdateAttributes", {"Value": {"Attributes": [{"Name": "Size", "Value": "1"}]}}),
    ("POST", "/v1/Products({id})/UpdateQuantity", {"Value": {"Updates": [{"DistributionCenterID": 0, "Quantity": 1}]}}),
    ("PUT", "/v1/ProductLabels(ProductID={id},Name='Sale')", None),
    ("PATCH", "/v1/DCQuantities(ProductID={id},DistributionCenterID=0)", {"AvailableQuantity": 1}),
    ("PUT", "/v1/Images(ProductID={id},PlacementName='X')", {"Url": "u"}),
    ("DELETE", "/v1/Products({id})", None),
)


def stored(stores: Mapping[str, str]) -> str:
    names = [stores["PRODUCTS_TABLE"], stores["CATALOGUE_TABLE"], stores["BATCH_REQUESTS_TABLE"]]
    return "\n".join(str(clients.dynamodb().scan(TableName=name)["Items"]) for name in names)


def made(api: Api) -> int:
    return int(api.post("/v1/Products", {"Sku": "A"}).json()["ID"])


def client(scope: Scope) -> Api:
    return Api(EVERYTHING._replace(scope=scope))


def send(api: Api, method: str, url: str, body: Any) -> int:
    if isinstance(body, str):
        return api(method, url, text=body, headers=TEXT).status
    return api(method, url, body).status


def in_a_batch(api: Api, *requests: tuple[str, str, Any], group: str | None = None) -> list[int]:
    entries: list[dict[str, Any]] = []
    for number, (method, url, body) in enumerate(requests):
        entry: dict[str, Any] = {"id": str(number), "method": method, "url": url}
        entry |= {"headers": TEXT} if isinstance(body, str) else {}
        entry |= {"atomicityGroup": group} if group else {}
        entries.append(entry if body is None else entry | {"body": body})
    answer = api.post("/v1/$batch", {"requests": entries}, headers={"Accept": "application/json"})
    return [one["status"] for one in answer.json()["responses"]]


@pytest.mark.parametrize("kind", SCOPES)
def test_a_token_may_do_what_its_scope_says(api: Api, stores: dict[str, str], kind: str) -> None:
    scope = SCOPES[kind]
    asking, id = client(scope), made(api)
    before = stored(stores)
    for requests, allowed in ((READING, scope.reads_catalogue), (WRITING, scope.writes_catalogue)):
        for method, address, body in requests:
            url = address.format(id=id)
            given = {**body, "ProductID": id} if isinstance(body, dict) and "ProductID" in body else body
            if allowed:
                # In a batch first: what removes the product stands last.
                assert in_a_batch(asking, (method, url, given))[0] in {200, 201, 204}, url
                if (method != "DELETE" and url != "/v1/Products") or method in {"GET", "HEAD"}:
                    assert send(asking, method, url, given) in {200, 201, 204}, url
            else:
                assert send(asking, method, url, given) == 403, url
                assert in_a_batch(asking, (method, url, given)) == [403], url
    if not scope.writes_catalogue:
        assert stored(stores) == before


@pytest.mark.parametrize("kind", SCOPES)
def test_a_change_set_over_families_needs_the_rights_of_all_of_it(
    api: Api, channel: int, stores: dict[str, str], kind: str
) -> None:
    scope, id = SCOPES[kind], made(api)
    before = stored(stores)
    statuses = in_a_batch(
        client(scope),
        ("POST", f"/api/v1/channel/{channel}/batch_requests/", {"channel": channel}),
        ("PATCH", f"/v1/Products({id})", {"Title": "Boots"}),
        group="g",
    )
    if scope.writes_catalogue and scope.has_channel(channel):
        assert statuses == [201, 204]
    else:
        assert sorted(statuses) == [403, 424]
        assert stored(stores) == before


@pytest.mark.parametrize("caller", [None])
def test_entity_sets_without_a_token_are_401(api: Api, stores: dict[str, str], caller: None) -> None:
    id = made(api)
    before = stored(stores)
    for method, address, body in (*READING, *WRITING):
        assert send(Api(caller), method, address.format(id=id), body) == 401
    assert stored(stores) == before
