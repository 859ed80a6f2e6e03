"""The catalogue as OData entity sets, read as clients do: single ones, queries, pages, counts, and what they cost."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from xml.etree import ElementTree

import pytest

from batchyard.catalogue import operations, repository
from batchyard.catalogue.rules import Product
from batchyard.identity import operations as identity
from batchyard.odata import lists
from batchyard.scope import Scope
from batchyard.store.unit import transact
from identity import key_authorizer
from tests.integration.conftest import Calls
from tests.support.api import Api, Context, invoke, narrowed
from tests.support.catalogue import BEGAN, product
from tools import aws_events

SECOND = 1_000_000


def stored(one: Product, stock: dict[int, dict[int, int]] | None = None) -> Product:
    return transact(lambda unit: repository.put(unit, one, None, stock))


def item(sku: str | None, moment: int = 0, **fields: Any) -> int:
    """The ID of a new product of one variant."""
    began = BEGAN + moment * SECOND
    one = stored(product(f"handle-{sku}", sku, fields=fields, created=began, updated=began, images=()))
    return one.variants[0].entity


def several(count: int) -> list[int]:
    return [item(f"C-{number}", number) for number in range(1, count + 1)]


def asked(api: Api, url: str) -> Any:
    answer = api.get(f"/v1/{url}")
    assert answer.status == 200, answer.text
    assert answer.headers["odata-version"] == "4.0"
    return answer.json()


def ids(found: Any) -> list[int]:
    return [one["ID"] for one in found["value"]]


def pages(api: Api, url: str) -> Iterator[Any]:
    page = asked(api, url)
    yield page
    while "@odata.nextLink" in page:
        page = api.get(page["@odata.nextLink"]).json()
        yield page


def refused(api: Api, url: str, status: int = 400) -> str:
    answer = api.get(f"/v1/{url}")
    assert answer.status == status, answer.text
    error = answer.json()["error"]
    assert list(error) == ["code", "message"]
    return str(error["message"])


def filtered(condition: str, rest: str = "&$select=ID") -> str:
    return f"Products?$filter={quote(condition)}{rest}"


# What there is.


def test_the_service_document_lists_the_entity_sets(api: Api) -> None:
    found = asked(api, "")
    assert [one["url"] for one in found["value"]][:2] == ["Products", "AttributeValues"]
    answer = api.get("/v1/$metadata")
    assert answer.headers["content-type"] == "application/xml"
    names = {one.get("Name") for one in ElementTree.fromstring(answer.text).iter() if one.tag.endswith("EntitySet")}
    assert names == {one["name"] for one in found["value"]}


def test_a_product_has_every_property_of_the_model(api: Api) -> None:
    first = item("B-1", title="Boots", brand="Alpina", type="shoes", weight=2)
    found = asked(api, f"Products({first})")
    assert found["@odata.context"].endswith("/v1/$metadata#Products/$entity")
    assert {
        "ID": first,
        "Sku": "B-1",
        "Title": "Boots",
        "Brand": "Alpina",
        "Classification": "shoes",
    }.items() <= found.items()
    assert (found["ProductType"], found["IsParent"], found["Weight"]) == ("Item", False, None)
    root = ElementTree.fromstring(api.get("/v1/$metadata").text)
    [entity] = [one for one in root.iter() if one.tag.endswith("EntityType") and one.get("Name") == "Product"]
    names = [one.get("Name") for one in entity if one.tag.endswith("}Property")]
    assert [name for name in found if not name.startswith("@")] == names
    assert found["CreateDateUtc"] == "2026-09-21T14:13:20.000000Z"


def test_a_parent_and_its_children_are_products_each(api: Api) -> None:
    one = stored(product("shoes", "S-1", "S-2", fields={"title": "Shoes", "brand": "Alpina"}))
    parent, first, second = one.entities
    found = asked(api, f"Products?$filter=ParentProductID eq {parent}&$orderby=ID")
    assert [(entry["ID"], entry["Sku"], entry["Title"], entry["Brand"]) for entry in found["value"]] == [
        (first, "S-1", "Variant 0", "Alpina"),
        (second, "S-2", "Variant 1", "Alpina"),
    ]
    assert {entry["ParentSku"] for entry in found["value"]} == {"shoes"}
    shown = asked(
        api, f"Products({parent})?$select=Sku,ProductType&$expand=Children($expand=ChildProduct($select=Sku))"
    )
    assert shown["ProductType"] == "Parent"
    assert [entry["ChildProduct"] for entry in shown["Children"]] == [{"Sku": "S-1"}, {"Sku": "S-2"}]
    assert ids(asked(api, filtered("Sku eq 'shoes'"))) == [parent]
    # A variant that is called like the parent is found first; the parent then is called by its ID, too.
    item("shoes")
    assert asked(api, f"Products({parent})/Sku")["value"] == f"shoes#{parent}"
    assert ids(asked(api, filtered(f"Sku eq 'shoes#{parent}'"))) == [parent]


def test_parts_of_products_are_entity_sets_of_their_own(api: Api) -> None:
    first, second = several(2)
    for id in (first, second):
        operations.change_entity(
            id,
            lambda own: own.__class__(attributes={"Size": "13M", "it's": "x"}, labels=("Sale", "New")),
            "req-1",
        )
    operations.set_quantities(first, {0: 5}, "req-1")
    assert asked(api, f"AttributeValues(ProductID={first},Name='it''s')")["Value"] == "x"
    assert asked(api, f"Products({first})/Attributes('Size')")["Value"] == "13M"
    assert asked(api, f"Products({first})/Attributes('Size')/Value")["value"] == "13M"
    assert api.get(f"/v1/Products({first})/Attributes('Size')/Value/$value").text == "13M"
    assert [one["Name"] for one in asked(api, f"Products({second})/Labels")["value"]] == ["New", "Sale"]
    assert [(one["ProductID"], one["Name"]) for one in asked(api, "ProductLabels")["value"]] == [
        (first, "New"),
        (first, "Sale"),
        (second, "New"),
        (second, "Sale"),
    ]
    assert asked(api, "DCQuantities")["value"] == [
        {"ProductID": first, "ProfileID": 1, "DistributionCenterID": 0, "AvailableQuantity": 5}
    ]
    assert asked(api, f"AttributeValues?$filter=ProductID eq {second} and Name eq 'Size'&$expand=Product($select=Sku)")[
        "value"
    ] == [{"ProductID": second, "ProfileID": 1, "Name": "Size", "Value": "13M", "Product": {"Sku": "C-2"}}]
    assert asked(api, f"AttributeValues(ProductID={first},Name='Size')/Product?$select=ID")["ID"] == first
    for gone in (
        f"Products({first})/Attributes('None')",
        "Products(999)/Attributes",
        "AttributeValues(ProductID=1,Name='x')",
    ):
        refused(api, gone, 404)
    found = asked(api, "Products?$filter=Attributes/Any (c: c/Value eq '13M')&$select=ID&$orderby=ID desc")
    assert ids(found) == [second, first]


@pytest.mark.parametrize("name", ["Profiles", "DistributionCenters"])
def test_entity_sets_with_a_single_entity(api: Api, name: str) -> None:
    [one] = asked(api, f"{name}?$count=true")["value"]
    assert asked(api, f"{name}({one['ID']})")["ID"] == one["ID"]
    assert api.get(f"/v1/{name}/$count").text == "1"
    assert asked(api, "AliasRelationships") == {
        "@odata.context": asked(api, "AliasRelationships")["@odata.context"],
        "value": [],
    }


# Cases from reports.


def test_quotes_in_literals(api: Api) -> None:
    first = item("A", title="it's", brand="X1")
    second = item("B", title='50% / "B"')
    third = item("O'NEIL", title="c")
    assert (first, second, third) < (second, third, third + 1)
    for condition, wanted in (
        ("Title eq 'it''s'", [first]),
        ("Sku in ('A','O''NEIL')", [first, third]),
        ("contains(Title,'''')", [first]),
        ("Sku eq 'O''NEIL'", [third]),
        ("Title eq '50% / \"B\"'", [second]),
        ("Brand eq null", [second, third]),
    ):
        assert ids(asked(api, filtered(condition))) == wanted
        assert (
            ids(asked(api, f"Products?$filter={condition.replace('%', '%25').replace(' ', '%20')}&$select=ID"))
            == wanted
        )
    assert "character" in refused(api, filtered("Title eq 'it's'"))


def test_counts_and_cuts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    several(25)
    query = "Products?$filter=startswith(Sku,'C-')&$count=true&$top=10&$expand=Attributes"
    found = asked(api, query)
    assert (found["@odata.count"], len(found["value"])) == (25, 10)
    assert asked(api, "Products?$count=true&$top=0")["value"] == []
    found = asked(api, "Products?$count=true&$skip=22")
    assert (found["@odata.count"], len(found["value"]), "@odata.nextLink" in found) == (25, 3, False)
    assert api.get("/v1/Products/$count").text == "25"
    assert api.get("/v1/Products/$count").headers["content-type"] == "text/plain"
    assert api.get("/v1/Products/$count?$filter=Sku eq 'C-7'").text == "1"
    assert ids(asked(api, "Products?$top=5&$skip=3")) == ids(asked(api, "Products?$skip=3&$top=5"))
    for wrong in ("$top=-1", "$skip=x", "$top=1.5", "$top=", "$filter=", "$filter=%20", "$nope=1", "$search=x"):
        assert api.get(f"/v1/Products?{wrong}").status == (501 if "search" in wrong else 400)
    # More than are looked at can be counted by no page.
    monkeypatch.setattr(lists, "MOST_LOOKED_AT", 10)
    assert "@odata.count" not in asked(api, query)
    refused(api, f"Products/$count?$filter={quote('contains(Title,null)')}", 501)


def test_an_expand_that_is_too_deep_is_refused(api: Api) -> None:
    stored(product("shoes", "S-1", "S-2"))
    asked(api, "Products?$expand=Children($expand=ChildProduct)")
    assert "2 levels" in refused(api, "Products?$expand=Children($expand=ChildProduct($expand=Children))")
    assert "Nope" in refused(api, "Products?$expand=Nope")
    assert len(asked(api, "Products?$expand=*")["value"]) == 3


def test_names_are_read_in_any_case_after_the_question_mark(api: Api) -> None:
    first = item("A", brand="X1")
    found = asked(
        api, "Products?$filter=sku eq 'A'&$expand=DCQuantities&$select=sku,TotalAvailableQuantity,DCQuantities"
    )
    assert found["value"] == [{"Sku": "A", "TotalAvailableQuantity": 0, "DCQuantities": []}]
    assert found["@odata.context"].endswith("#Products(Sku,TotalAvailableQuantity,DCQuantities)")
    for query in (
        "$filter=Labels/Any (l: l/Name eq 'Sale')&$select=ID,Sku",
        "$filter=Attributes/Any (c: c/Value eq '13M') and Brand eq 'X1' &$expand=Attributes",
        "&$count=true",
        "access_token=secret&$filter=TotalAvailableQuantity gt 0",
        f"$filter=(ID eq {first} or ID eq 2) and IsParent eq false",
    ):
        answer = api.get(f"/v1/Products?{query.replace(' ', '%20')}")
        assert answer.status == 200, answer.text
        assert "secret" not in answer.text
    assert ids(asked(api, "Products/?$filter=Brand EQ 'X1'".replace(" ", "%20"))) == [first]
    for missing in ("products(1)", "products", "PRODUCTS/$count"):
        refused(api, missing, 404)


def test_links_to_the_next_page(api: Api) -> None:
    several(25)
    link = "Products?$filter=startswith(Sku,'C-')&$select=ID,Sku&$expand=DCQuantities"
    first = asked(api, link)
    assert "@odata.nextLink" not in first
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batchyard.catalogue.entity_sets.model.MODEL.sets", _smaller(10))
        all_pages = list(pages(api, link))
        assert [len(page["value"]) for page in all_pages] == [10, 10, 5]
        assert [one for page in all_pages for one in page["value"]] == first["value"]
        following = urlsplit(all_pages[0]["@odata.nextLink"])
        asked_for = dict(parse_qsl(following.query))
        assert (asked_for["$filter"], asked_for["$select"], asked_for["$expand"]) == (
            "startswith(Sku,'C-')",
            "ID,Sku",
            "DCQuantities",
        )
        assert asked_for["$skip"] == "10"
        # A client that counts up by itself gets the same.
        assert ids(asked(api, f"{link}&$skip=10")) == ids(all_pages[1])
        assert ids(asked(api, "Products?$count=true&$skip=20&$select=ID")) == ids(all_pages[2])
        assert [len(page["value"]) for page in pages(api, "Products?$top=15")] == [10, 5]
        assert [len(page["value"]) for page in pages(api, "Products?$orderby=Title&$top=20")] == [10, 10]
    assert "@odata.nextLink" not in asked(api, "Products?$filter=ID eq 1")
    assert asked(api, "Products?$skip=100000")["value"] == []
    assert "skiptoken" in refused(api, "Products?$skiptoken=abc")


def _smaller(page: int) -> dict[str, Any]:
    from batchyard.catalogue.entity_sets.model import MODEL

    return {name: one._replace(page=page) for name, one in MODEL.sets.items()}


def test_a_query_may_come_in_a_body(api: Api) -> None:
    several(3)
    body = "$filter=" + quote(" or ".join(f"Sku eq 'C-{number}'" for number in range(1, 101))) + "&$select=ID"
    answer = api.post("/v1/Products/$query", text=body, headers={"Content-Type": "text/plain"})
    assert answer.status == 200, answer.text
    assert len(answer.json()["value"]) == 3
    assert (
        Api(narrowed(catalogue="read"))
        .post("/v1/Products/$query", text=body, headers={"Content-Type": "text/plain"})
        .status
        == 200
    )
    refused_type = api.post("/v1/Products/$query", {"$filter": "x"})
    assert refused_type.status == 415


# Who may ask, and how.


def test_reading_entity_sets_needs_the_right_to_the_catalogue(api: Api) -> None:
    first = item("A")
    assert Api(narrowed(catalogue="read")).get(f"/v1/Products({first})").status == 200
    for url in (f"/v1/Products({first})", "/v1/Products", "/v1/AttributeValues"):
        assert Api(narrowed(catalogue="none")).get(url).status == 403
        answer = Api(None).get(url)
        assert answer.status == 401
        assert answer.json() == {"error": {"code": "", "message": "Authorization has been denied for this request."}}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writing_methods_on_read_only_entity_sets_are_405(api: Api, method: str) -> None:
    for url in ("/v1/Profiles", "/v1/$metadata", "/v1/Products/$count", "/v1"):
        answer = api(method, url)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_entity_tags(api: Api) -> None:
    first = item("A")
    answer = api.get(f"/v1/Products({first})")
    tag = answer.headers["etag"]
    assert api.get(f"/v1/Products({first})", headers={"If-None-Match": tag}).status == 304
    operations.set_quantities(first, {0: 5}, "req-1")
    assert api.get(f"/v1/Products({first})", headers={"If-None-Match": tag}).status == 200
    head = api("HEAD", f"/v1/Products({first})")
    assert (head.status, head.text) == (200, "")


# What it costs.


def test_store_calls_of_reading_entity_sets(api: Api, calls: Calls) -> None:
    found = several(120)
    stored(product("shoes", "S-1", "S-2"))

    def cost(url: str, count: int) -> list[str]:
        calls.clear()
        page = asked(api, url)
        assert len(page.get("value", [page])) == count
        return sorted(call.removeprefix("dynamodb.") for call in calls if call != "dynamodb.UpdateItem")

    assert cost(f"Products({found[0]})", 1) == ["BatchGetItem"] * 2
    assert cost(filtered("Sku eq 'C-7'"), 1) == ["BatchGetItem"] * 2
    assert cost(filtered(f"ID in ({found[1]},{found[2]},{found[3]})"), 3) == ["BatchGetItem"] * 2
    assert cost("Products?$expand=Attributes,DCQuantities,Images", 100) == ["BatchGetItem"] * 2 + ["Query"] * 16


def test_a_token_of_a_batch_reads_entity_sets(api: Api) -> None:
    first = item("A")
    batch = {
        "requests": [
            {"id": "1", "method": "GET", "url": f"Products({first})?$select=Sku"},
            {"id": "2", "method": "GET", "url": "/v1/Products/$count"},
            {"id": "3", "method": "GET", "url": "Products(999)"},
            {"id": "4", "method": "PATCH", "url": f"Products({first})/Attributes('N')", "body": {"Value": "x"}},
        ]
    }
    answer = api.post("/v1/$batch", batch, headers={"Accept": "application/json"})
    assert [one["status"] for one in answer.json()["responses"]] == [200, 200, 404, 400]
    assert answer.json()["responses"][0]["body"]["Sku"] == "A"
    assert answer.json()["responses"][1]["body"] == "1"
    assert "/v1/AttributeValues(" in json.dumps(answer.json()["responses"][3])


def test_neighbouring_reads_of_a_batch_are_two_calls(api: Api, calls: Calls) -> None:
    # As many as moto takes in one transaction.
    found = several(25)
    requests = [{"id": str(id), "method": "GET", "url": f"Products({id})?$select=ID"} for id in found]
    calls.clear()
    answer = api.post("/v1/$batch", {"requests": requests}, headers={"Accept": "application/json"})
    assert [one["body"]["ID"] for one in answer.json()["responses"]] == found
    assert calls == ["dynamodb.TransactGetItems"] * 2


# How lists are found.


@pytest.mark.parametrize(
    ("query", "plan"),
    [
        ("$filter=ID eq 1", "keys of ID"),
        ("$filter=ID in (1,2) and Title ne 'x'", "keys of ID"),
        ("$filter=ID eq 1 or ID eq 2 or (ID eq 3)", "keys of ID"),
        ("$filter=Sku eq 'A'", "keys of Sku"),
        ("$filter='A' eq Sku or Sku in ('B','C')", "keys of Sku"),
        ("$filter=Sku eq 'A'&$orderby=Title desc", "keys of Sku, sorted"),
        ("$filter=ParentProductID eq 1", "keys of ParentProductID"),
        ("$filter=Labels/any(l: l/Name eq 'Sale')", "members by Labels/Name"),
        ("$filter=Labels/any(l: l/Name eq 'Sale')&$orderby=ID desc", "members by Labels/Name"),
        ("$filter=Labels/any(l: l/Name eq 'Sale')&$orderby=Title", "members by Labels/Name, sorted"),
        ("$filter=UpdateDateUtc ge 2026-01-01", "range of UpdateDateUtc"),
        ("$filter=UpdateDateUtc ge 2026-01-01 and Title eq 'x'&$orderby=UpdateDateUtc desc", "range of UpdateDateUtc"),
        ("$filter=QuantityUpdateDateUtc gt 2026-01-01T00:00:00Z", "range of QuantityUpdateDateUtc"),
        ("$filter=CreateDateUtc lt 2027-01-01&$orderby=CreateDateUtc,ID", "range of CreateDateUtc"),
        ("$filter=UpdateDateUtc ge 2026-01-01&$orderby=ID", "range of UpdateDateUtc"),
        ("$orderby=UpdateDateUtc desc", "all in order of UpdateDateUtc"),
        ("$orderby=ID desc", "all in order of ID"),
        ("$filter=contains(Title,'x')", "all in order of ID"),
        ("$filter=Sku eq null", "all in order of ID"),
        ("$filter=not (ID eq 1)", "all in order of ID"),
        ("$orderby=Title", "all in order of ID, sorted"),
        ("", "all in order of ID"),
    ],
)
def test_prefer_explain_shows_the_plan(api: Api, query: str, plan: str) -> None:
    item("A")
    answer = api.get(f"/v1/Products?{query.replace(' ', '%20')}", headers={"Prefer": "explain"})
    assert answer.status == 200, answer.text
    assert answer.headers["preference-applied"] == "explain"
    explained = answer.json()["@batchyard.explain"]
    assert explained["plan"] == plan
    assert explained["calls"] >= 1
    assert explained["units"] >= 0


def test_an_orderby_without_an_index_is_sorted_in_passes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    several(12)
    monkeypatch.setattr("batchyard.odata.planning.MOST_SORTED", 5)
    monkeypatch.setattr(lists, "MOST_LOOKED_AT", 5)
    monkeypatch.setattr(lists, "_STEP", 5)
    answer = api.get("/v1/Products?$orderby=Sku%20desc&$select=Sku", headers={"Prefer": "explain"})
    assert answer.json()["@batchyard.explain"]["plan"] == "all in order of ID, in passes"
    found = list(pages(api, "Products?$orderby=Sku%20desc&$select=Sku"))
    assert [one["Sku"] for page in found for one in page["value"]] == sorted(
        (f"C-{number}" for number in range(1, 13)), reverse=True
    )
    # What no page can look at in one go ends in empty ones that say where to go on.
    assert [len(page["value"]) for page in found] == [0, 0, 12]


def test_only_administrators_are_shown_the_plan(api: Api) -> None:
    answer = Api(narrowed(admin=False)).get("/v1/Products", headers={"Prefer": "explain"})
    assert "@batchyard.explain" not in answer.json()
    assert "preference-applied" not in answer.headers


def test_the_token_may_be_in_the_query_where_no_header_brings_one(stores: dict[str, str]) -> None:
    identity.create_user("anna", "a long enough password", Scope())
    token = identity.create_token("anna", Scope(catalogue="read"))

    def ask(url: str, **headers: str) -> int:
        event, handler = Api(None).event("GET", url, headers=headers)
        policy = key_authorizer.handler(aws_events.authorization(event), Context())
        context = {**policy["context"], "principalId": policy["principalId"]}
        answer = invoke(handler, {**event, "requestContext": {**event["requestContext"], "authorizer": context}})
        assert token not in answer.text
        return answer.status

    assert ask(f"/v1/Products?access_token={token}") == 200
    assert ask(f"/v1/Products/?access_token={token}&$filter=TotalAvailableQuantity%20gt%200") == 200
    assert ask("/v1/Products") == ask("/v1/Products?access_token=nonsense") == 401
    assert ask(f"/v1/Products?access_token={token}", Authorization="Bearer nonsense") == 401
    # Elsewhere it is nothing.
    assert ask(f"/admin/products?access_token={token}") == 401
