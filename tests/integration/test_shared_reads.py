"""Neighbouring requests of a batch share what they read, and each is answered as if it had read for itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.odata import run as runs
from batchyard.store import clients
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.integration.test_entity_sets_writing import made, shown
from tests.support.api import Api, batches
from tests.support.batch import Part, request, run_flat


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is not old however slow the machine is."""
    monkeypatch.setattr(runs, "SHARED_SECONDS", 600)


@contextmanager
def before_commit(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Has somebody else do something when the unit that commits as the nth has read what it needs."""
    commit, left = Unit.commit, [number]

    def interrupted(unit: Unit) -> None:
        left[0] -= 1
        if left[0] == 0:
            # In another process, which knows nothing of what this one has read.
            Context().run(act)
        commit(unit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unit, "commit", interrupted)
        yield


def title(id: int, text: str, **headers: str) -> str:
    return request("PATCH", f"/v1/Products({id})", {"Title": text}, **headers)


def price(id: int, amount: int, **headers: str) -> str:
    return request("PATCH", f"/v1/Products({id})", {"RetailPrice": amount}, **headers)


def stock(id: int, quantity: int, kind: str = "Relative") -> str:
    updates = [{"DistributionCenterID": 0, "Quantity": quantity}]
    return request("POST", f"/v1/Products({id})/UpdateQuantity", {"Value": {"UpdateType": kind, "Updates": updates}})


def attribute(id: int, value: str) -> str:
    return request("PUT", f"/v1/AttributeValues(ProductID={id},Name='Colour')", {"Value": value})


def look(id: int) -> str:
    return request("GET", f"/v1/Products({id})?$expand=Attributes")


def statuses(parts: list[Part]) -> list[int]:
    return [part.status for part in parts]


def test_neighbouring_entity_writes_share_their_reads(api: Api, calls: Calls) -> None:
    some = [made(api, f"S{number}") for number in range(20)]
    calls.clear()
    verbs = [look, lambda id: price(id, 5), lambda id: attribute(id, "red"), lambda id: stock(id, 3, "Absolute")]
    parts = run_flat(api, *(verb(id) for id in some for verb in verbs))
    assert statuses(parts) == [200, 204, 204, 204] * 20
    # Entities and products for all writes, both for each look, and a write by itself for each change.
    assert calls.count("dynamodb.BatchGetItem") == 2 + 20
    assert calls.count("dynamodb.PutItem") == 60
    assert len(calls) == 82
    for id in some:
        assert (shown(api, id)["RetailPrice"], shown(api, id)["TotalAvailableQuantity"]) == (5, 3)


def test_neighbouring_writes_of_one_product_share_their_reads(api: Api, calls: Calls) -> None:
    one = made(api, "ONE")
    calls.clear()
    assert statuses(run_flat(api, price(one, 5), attribute(one, "red"), look(one), price(one, 6))) == [
        204,
        204,
        200,
        204,
    ]
    assert calls.count("dynamodb.BatchGetItem") == 3
    assert len(calls) == 6


def test_neighbouring_entity_reads_are_one_transaction(api: Api, calls: Calls) -> None:
    some = [made(api, f"S{number}") for number in range(3)]
    calls.clear()
    parts = run_flat(api, *(price(id, 5) for id in some), *map(look, some))
    assert [part.json()["RetailPrice"] for part in parts[3:]] == [5] * 3
    assert calls == [*["dynamodb.BatchGetItem"] * 2, *["dynamodb.PutItem"] * 3, "dynamodb.TransactGetItems"]


def test_stock_alone_needs_no_products(api: Api, calls: Calls) -> None:
    some = [made(api, f"S{number}") for number in range(3)]
    calls.clear()
    assert statuses(run_flat(api, *(stock(id, 3, "Absolute") for id in some))) == [204] * 3
    assert calls == ["dynamodb.BatchGetItem", *["dynamodb.PutItem"] * 3]
    calls.clear()
    centre = "DistributionCenterID=0"
    body = {"AvailableQuantity": 4}
    puts = (request("PUT", f"/v1/DCQuantities(ProductID={id},{centre})", body) for id in some)
    assert statuses(run_flat(api, *puts)) == [204] * 3
    assert calls == ["dynamodb.BatchGetItem", *["dynamodb.PutItem"] * 3]


def test_neighbouring_batch_request_updates_share_their_reads(api: Api, channel: int, calls: Calls) -> None:
    some = [api.open_batch(channel)["pk"] for _ in range(5)]
    calls.clear()
    parts = run_flat(api, *(request("PATCH", batches(channel, pk), {"remote_batch_id": "r"}) for pk in some))
    assert statuses(parts) == [200] * 5
    assert calls == ["dynamodb.BatchGetItem", *["dynamodb.PutItem"] * 5]


def test_neighbouring_openings_of_batch_requests_read_the_channel_once(api: Api, channel: int, calls: Calls) -> None:
    opening = request("POST", batches(channel), {"channel": channel})
    assert statuses(run_flat(api, opening)) == [201]
    calls.clear()
    assert statuses(run_flat(api, *[opening] * 5)) == [201] * 5
    assert calls == ["dynamodb.BatchGetItem", *["dynamodb.PutItem"] * 5]
    nowhere = request("POST", batches(channel).replace(str(channel), "9" * 30), {"channel": channel})
    assert statuses(run_flat(api, opening, nowhere)) == [201, 404]
    # Who closes the channel in the midst of it is heeded.
    closing = request("PATCH", f"/api/v1/channels/{channel}/", {"is_active": False})
    assert statuses(run_flat(api, opening, closing, opening)) == [201, 200, 400]


def test_neighbouring_lot_updates_share_their_reads(api: Api, calls: Calls) -> None:
    lots = "/admin/collection/wines/product/barolo/batch"
    for id in ("L1", "L2"):
        assert api.post(lots, {"id": id}).status == 200
    calls.clear()
    parts = run_flat(api, *(request("PUT", f"{lots}/{id}", {"data": {"cask": id}}) for id in ("L1", "L2")))
    assert statuses(parts) == [200] * 2, parts
    assert calls.count("dynamodb.BatchGetItem") == 1
    assert calls.count("dynamodb.GetItem") == 0


def test_a_request_of_a_batch_sees_changes_of_earlier_requests(api: Api) -> None:
    one, two = made(api, "ONE"), made(api, "TWO")
    parts = run_flat(
        api,
        stock(one, 5),
        stock(one, -3),
        stock(one, -3),
        look(one),
        request("DELETE", f"/v1/Products({two})"),
        price(two, 5),
        look(two),
        request("POST", "/v1/Products", {"Sku": "TWO"}),
        title(one, "Last"),
        title(one, "Last"),
        look(one),
    )
    assert statuses(parts) == [204, 204, 400, 200, 204, 404, 404, 201, 204, 204, 200]
    assert parts[3].json()["TotalAvailableQuantity"] == 2
    assert parts[10].json()["Title"] == "Last"


def test_a_product_that_was_not_there_yet_is_found_once_it_is(api: Api) -> None:
    one = made(api, "ONE")
    new = one + 1
    parts = run_flat(api, price(new, 5), stock(new, 1), request("POST", "/v1/Products", {"Sku": "NEW"}), stock(new, 4))
    assert statuses(parts) == [404, 404, 201, 204]
    assert (parts[2].json()["ID"], shown(api, new)["TotalAvailableQuantity"]) == (new, 4)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_concurrent_change_between_requests_of_a_batch_is_not_lost(api: Api, number: int) -> None:
    one, two = made(api, "ONE"), made(api, "TWO")

    def somebody() -> None:
        for id in (one, two):
            assert api.post(
                f"/v1/Products({id})/UpdateAttributes", {"Value": {"Attributes": [{"Name": "N", "Value": "v"}]}}
            )
            api.post(
                f"/v1/Products({id})/UpdateQuantity",
                {"Value": {"UpdateType": "Relative", "Updates": [{"DistributionCenterID": 0, "Quantity": 100}]}},
            )

    with before_commit(number, somebody):
        parts = run_flat(api, stock(one, 1), stock(two, 2), stock(one, 3), stock(two, 4))
    assert statuses(parts) == [204] * 4
    assert [shown(api, id)["TotalAvailableQuantity"] for id in (one, two)] == [104, 106]


def test_a_read_of_a_batch_sees_concurrent_changes_after_earlier_writes(api: Api) -> None:
    """Whoever has seen a write of a batch, and changed something then, is seen by its later reads."""
    one, two = made(api, "ONE"), made(api, "TWO")
    with before_commit(2, lambda: api.patch(f"/v1/Products({two})", {"Title": "Somebody's"})):
        parts = run_flat(api, price(one, 5), price(one, 6), look(two), price(two, 7), look(two))
    assert statuses(parts) == [204, 204, 200, 204, 200]
    assert [parts[2].json()["Title"], parts[4].json()["Title"]] == ["Somebody's", "Somebody's"]
    assert parts[4].json()["RetailPrice"] == 7


def test_a_condition_within_a_batch_is_compared_with_the_stored_state(api: Api) -> None:
    """A brand is the parent's: who writes a child's price would not find out by the write alone that it has changed."""
    parent = made(api, "P", IsParent=True)
    child, other = (made(api, sku, ParentProductID=parent) for sku in ("C", "O"))
    tag = api.get(f"/v1/Products({child})").headers["etag"]
    with before_commit(2, lambda: api.patch(f"/v1/Products({parent})", {"Brand": "Somebody's"})):
        conditional = [price(child, 7, If_Match=tag), price(child, 8), price(child, 9, If_None_Match="*")]
        parts = run_flat(api, price(other, 5), price(other, 6), *conditional)
    assert statuses(parts) == [204, 204, 412, 204, 412]
    assert shown(api, child)["RetailPrice"] == 8


def test_shared_reads_expire(api: Api, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [made(api, f"S{number}") for number in range(4)]
    monkeypatch.setattr(runs, "SHARED_SECONDS", 0)
    calls.clear()
    assert statuses(run_flat(api, *(stock(id, 3) for id in some))) == [204] * 4
    assert calls.count("dynamodb.BatchGetItem") == 3
    assert calls.count("dynamodb.GetItem") == 1


@pytest.mark.parametrize("error", ["ValidationException", "InternalServerError", "unreachable"])
def test_shared_reads_that_fail_are_read_one_by_one(api: Api, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [made(api, f"S{number}") for number in range(3)]

    def refused(**_: Any) -> Any:
        if error == "unreachable":
            raise ConnectTimeoutError(endpoint_url="dynamodb")
        raise ClientError({"Error": {"Code": error, "Message": "No."}}, "BatchGetItem")

    with monkeypatch.context() as patch:
        patch.setattr(clients.dynamodb(), "batch_get_item", refused)
        assert statuses(run_flat(api, *(stock(id, 3) for id in some))) == [204] * 3
    assert [shown(api, id)["TotalAvailableQuantity"] for id in some] == [3, 3, 3]


def test_requests_after_a_lost_write_answer_read_anew(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = made(api, "ONE"), made(api, "TWO")
    client, waiting = clients.dynamodb(), [1]
    put = client.put_item

    def lost(**asked: Any) -> Any:
        answer = put(**asked)
        if waiting:
            waiting.pop()
            raise ConnectTimeoutError(endpoint_url="dynamodb")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(client, "put_item", lost)
        parts = run_flat(api, stock(one, 1, "Absolute"), stock(two, 2, "Absolute"), stock(one, 3))
    assert statuses(parts) == [503, 204, 204]
    assert [shown(api, id)["TotalAvailableQuantity"] for id in (one, two)] == [4, 2]


# Any of them.

_VERBS: list[Callable[[int], str]] = [
    look,
    lambda id: title(id, "A title"),
    lambda id: title(id, "x" * 121),
    lambda id: price(id, 5, If_Match='"1-1"'),
    lambda id: price(id, 6),
    lambda id: stock(id, 2),
    lambda id: stock(id, -1),
    lambda id: attribute(id, "red"),
    lambda id: attribute(id, ""),
    lambda id: request("DELETE", f"/v1/AttributeValues(ProductID={id},Name='Colour')"),
    lambda id: request("PUT", f"/v1/ProductLabels(ProductID={id},Name='Sale')"),
    lambda id: request("DELETE", f"/v1/Products({id})"),
    lambda id: request(
        "PATCH", f"/v1/Images(ProductID={id},PlacementName='ITEMIMAGEURL1')", {"Url": "https://a.example"}
    ),
]
_ASKED = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(_VERBS)), min_size=2, max_size=12)
_numbers = iter(range(1, 100_000))


@given(_ASKED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batch_ends_as_its_requests_one_by_one_do(api: Api, asked: list[tuple[int, Callable[[int], str]]]) -> None:
    def world() -> list[int]:
        return [made(api, f"W{next(_numbers)}") for _ in range(3)]

    together, alone = world(), world()
    parts = run_flat(api, *(verb(together[place]) for place, verb in asked))
    singles = [run_flat(api, verb(alone[place]))[0] for place, verb in asked]
    assert statuses(parts) == statuses(singles)
    for (place, _), part, single in zip(asked, parts, singles, strict=True):
        if part.status == 200:
            differing = {
                "ID",
                "Sku",
                "ProductID",
                "CreateDateUtc",
                "UpdateDateUtc",
                "QuantityUpdateDateUtc",
                "@odata.context",
            }
            left, right = ({n: v for n, v in one.json().items() if n not in differing} for one in (part, single))
            for found in (left, right):
                found["Attributes"] = [(one["Name"], one["Value"]) for one in found["Attributes"]]
            assert left == right, place
