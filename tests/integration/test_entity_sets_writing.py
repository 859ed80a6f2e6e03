"""The catalogue as OData entity sets, written as clients do, alone and in change sets."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from batchyard.catalogue import operations, reference, repository
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.integration.test_entity_sets_reading import asked, ids, stored
from tests.support.api import Answer, Api, narrowed
from tests.support.batch import change_set, envelope, request, send
from tests.support.catalogue import product


def made(api: Api, sku: str, **given: Any) -> int:
    answer = api.post("/v1/Products", {"Sku": sku, **given})
    assert answer.status == 201, answer.text
    assert answer.headers["location"].endswith(f"/v1/Products({answer.json()['ID']})")
    return int(answer.json()["ID"])


def done(answer: Answer) -> None:
    assert (answer.status, answer.text) == (204, ""), answer.text
    assert answer.headers["odata-version"] == "4.0"


def wrong(answer: Answer, status: int, *words: str) -> None:
    assert answer.status == status, answer.text
    error = answer.json()["error"]
    assert all(word in error["message"] for word in words), error


def shown(api: Api, id: int, query: str = "") -> Any:
    return asked(api, f"Products({id}){query}")


def named(api: Api, id: int, part: str, value: str) -> Mapping[str, Any]:
    keys = {"Attributes": "Name", "Images": "PlacementName", "DCQuantities": "DistributionCenterID"}
    return {one[keys[part]]: one[value] for one in asked(api, f"Products({id})/{part}")["value"]}


# Products.


def test_only_a_sku_is_required(api: Api) -> None:
    id = made(api, "ONLYSKU")
    found = shown(api, id)
    assert (found["Sku"], found["Title"], found["ProductType"]) == ("ONLYSKU", None, "Item")
    wrong(api.post("/v1/Products", {}), 400, "Sku is required")
    wrong(api.post("/v1/Products", {"Sku": None}), 400, "Sku is required")
    wrong(api.post("/v1/Products", {"Sku": ""}), 400, "Sku is required")
    again = api.post("/v1/Products", {"Sku": "ONLYSKU"})
    wrong(again, 400, "ONLYSKU")
    assert again.json()["error"]["code"] == "DuplicateSku"
    wrong(api.post("/v1/Products", {"Sku": "X", "Nope": 1}), 400, "Nope")
    wrong(api.post("/v1/Products", [1]), 400)
    wrong(api.post("/v1/Products", text="{"), 400)
    wrong(api.post("/v1/Products", text="a=b", headers={"Content-Type": "text/csv"}), 415)


@pytest.mark.parametrize("name", ["Weight", "Height", "MultipackQuantity"])
def test_a_number_beyond_all_doubles_is_refused(api: Api, name: str) -> None:
    answer = api.post("/v1/Products", text=f'{{"Sku": "A", "{name}": 1{"0" * 400}}}')
    wrong(answer, 400, f"{name} must be of the type Edm.")


@pytest.mark.parametrize("flag", [2, 2.0, "2", "QuestionMark"])
def test_an_enumeration_is_written_by_its_name_or_its_number(api: Api, flag: Any) -> None:
    id = made(api, "A", Flag=flag)
    assert shown(api, id)["Flag"] == "QuestionMark"


def test_every_property_that_can_be_written_is_read_back(api: Api) -> None:
    given = {
        "Title": "Boots",
        "Brand": "Alpina",
        "Subtitle": "For snow",
        "Description": "Warm",
        "ShortDescription": "W",
        "Manufacturer": "A",
        "Classification": "shoes",
        "HarmonizedCode": "6403",
        "UPC": "012345678905",
        "Cost": 12.5,
        "RetailPrice": 99.99,
        "Weight": 2,
        "Flag": "RedFlag",
        "IsBlocked": True,
        "BlockedDateUtc": "2026-01-02T03:04:05.5Z",
        "MultipackQuantity": 3,
        "Warranty": "two years ✓",
    }
    id = made(api, "B-1", **given, Attributes=[{"Name": "Size", "Value": "13M"}], TotalAvailableQuantity=99, ID=7)
    found = shown(api, id)
    assert {
        **given,
        "BlockedDateUtc": "2026-01-02T03:04:05.500000Z",
        "TotalAvailableQuantity": 0,
    }.items() <= found.items()
    assert named(api, id, "Attributes", "Value") == {"Size": "13M"}
    assert ids(asked(api, f"Products?$filter={quote('Flag eq 2 and RetailPrice gt 99')}")) == []
    assert ids(asked(api, f"Products?$filter={quote('Flag eq 1 and RetailPrice gt 99 and UPC ne null')}")) == [id]
    done(api.patch(f"/v1/Products({id})", dict.fromkeys(given, None) | {"Flag": "NoFlag", "IsBlocked": False}))
    found = shown(api, id)
    assert [found[name] for name in given if name not in {"Flag", "IsBlocked"}] == [None] * (len(given) - 2)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_update_keeps_properties_that_are_not_given(api: Api, method: str) -> None:
    id = made(api, "A", Title="Boots", UPC="1")
    done(api(method, f"/v1/Products({id})", {"Brand": "Alpina"}))
    found = shown(api, id)
    assert (found["Title"], found["UPC"], found["Brand"], found["Sku"]) == ("Boots", "1", "Alpina", "A")
    wrong(api(method, "/v1/Products(999999)", {"Brand": "x"}), 404)
    wrong(api(method, f"/v1/Products({id})", {"Brand": 5}), 400, "Brand", "Edm.String")
    wrong(api(method, f"/v1/Products({id})", {"Sku": None}), 400, "Sku")


def test_an_update_of_an_entity_without_a_change_writes_nothing(api: Api, calls: Calls) -> None:
    id = made(api, "A", Title="Boots", UPC="1", Attributes=[{"Name": "Size", "Value": "13M"}])
    tag = api.get(f"/v1/Products({id})").headers["etag"]
    calls.clear()
    done(api.patch(f"/v1/Products({id})", {"Title": "Boots", "UPC": "1", "Sku": "A", "IsParent": False}))
    done(api.patch(f"/v1/AttributeValues(ProductID={id},Name='Size')", {"Value": "13M"}))
    done(api.put(f"/v1/ProductLabels(ProductID={id},Name='Sale')"))
    done(api.delete(f"/v1/ProductLabels(ProductID={id},Name='Sale')"))
    assert len(calls.writes()) == 2
    assert api.get(f"/v1/Products({id})").headers["etag"] != tag


def test_a_product_sent_back_as_it_came_changes_nothing(api: Api, calls: Calls) -> None:
    item = made(api, "A", Title="Boots", ReceivedDateUtc="2026-01-02T03:04:05Z", IsBlocked=True, Weight=1.5)
    bundle = made(api, "B", BundleComponents=[{"ProductID": item, "Quantity": 2}])
    parent = made(api, "P", IsParent=True, Brand="", Title="", Flag="RedFlag")
    child = made(api, "P-1", ParentProductID=parent)
    whole = {id: shown(api, id) for id in (item, bundle, parent, child)}
    calls.clear()
    for id, found in whole.items():
        done(api.put(f"/v1/Products({id})", found))
        done(api.patch(f"/v1/Products({id})", {**found, "CopyToChildren": False}))
        assert shown(api, id) == found
    assert calls.writes() == []
    # A component is one as long as there is the bundle, whoever has sent that back.
    done(api.delete(f"/v1/Products({bundle})"))
    assert shown(api, item)["BundleType"] == "None"


def test_names_are_unique_over_variants_and_parents(api: Api) -> None:
    first, second = made(api, "A"), made(api, "B")
    done(api.patch(f"/v1/Products({first})", {"Sku": "C"}))
    assert shown(api, first)["Sku"] == "C"
    wrong(api.patch(f"/v1/Products({second})", {"Sku": "C"}), 400, "C")
    parent = made(api, "P", IsParent=True)
    wrong(api.post("/v1/Products", {"Sku": "P"}), 400, "P")
    wrong(api.patch(f"/v1/Products({second})", {"Sku": "P"}), 400, "P")
    wrong(api.patch(f"/v1/Products({parent})", {"Sku": "B"}), 400, "B")
    done(api.patch(f"/v1/Products({parent})", {"Sku": "P2"}))
    assert ids(asked(api, "Products?$filter=Sku%20eq%20'P2'")) == [parent]
    # The first one's handle is its former SKU: the new product takes another handle.
    third = made(api, "A")
    handles = {repository.get(Unit(), repository.get_entity(Unit(), one).product).handle for one in (first, third)}  # type: ignore[union-attr]
    assert handles == {"A", "A-2"}


def test_parents_and_children(api: Api) -> None:
    parent = made(api, "SHOES", IsParent=True, Title="Shoes", Brand="Alpina")
    assert shown(api, parent)["ProductType"] == "Parent"
    child = made(api, "S-1", ParentProductID=parent, Title="Size 1", Brand="Alpina", UPC="1")
    other = made(api, "S-2", ParentProductID=parent)
    found = shown(api, child)
    assert (found["ParentProductID"], found["ParentSku"], found["ProductType"]) == (parent, "SHOES", "Child")
    assert (found["Title"], found["Brand"], shown(api, parent)["Title"]) == ("Size 1", "Alpina", "Shoes")
    wrong(api.post("/v1/Products", {"Sku": "S-3", "ParentProductID": child}), 400, "no parent")
    wrong(api.post("/v1/Products", {"Sku": "S-3", "ParentProductID": parent, "Brand": "x"}), 400, str(parent))
    wrong(api.patch(f"/v1/Products({child})", {"Brand": "x"}), 400, str(parent))
    done(api.patch(f"/v1/Products({child})", {"Brand": "Alpina", "Title": "Size 1a", "UPC": "2"}))
    done(api.patch(f"/v1/Products({parent})", {"RetailPrice": 5, "CopyToChildren": True}))
    assert [shown(api, one)["RetailPrice"] for one in (parent, child, other)] == [5, 5, 5]
    assert (shown(api, child)["Title"], shown(api, child)["UPC"]) == ("Size 1a", "2")
    wrong(api.patch(f"/v1/Products({parent})", {"IsParent": False}), 400, "one child becomes an item")
    wrong(api.patch(f"/v1/Products({made(api, 'ITEM')})", {"IsParent": True}), 400, "made as a parent")
    done(api.delete(f"/v1/Products({other})"))
    wrong(api.get(f"/v1/Products({other})"), 404)
    done(api.delete(f"/v1/Products({parent})"))
    wrong(api.get(f"/v1/Products({child})"), 404)
    wrong(api.delete(f"/v1/Products({parent})"), 404)


def test_a_removed_child_becomes_an_item_with_its_history(api: Api) -> None:
    parent = made(api, "SHOES", IsParent=True, Title="Shoes", Brand="Alpina")
    child = made(api, "S-1", ParentProductID=parent, UPC="1", Attributes=[{"Name": "Size", "Value": "1"}])
    made(api, "S-2", ParentProductID=parent)
    done(api.patch(f"/v1/DCQuantities(ProductID={child},DistributionCenterID=0)", {"AvailableQuantity": 5}))
    before = shown(api, child)
    done(api.post(f"/v1/Products({parent})/RemoveChildren", {"Value": {"ChildProductIDList": [child]}}))
    after = shown(api, child)
    assert (after["ProductType"], after["ParentProductID"], after["Brand"], after["UPC"]) == (
        "Item",
        None,
        "Alpina",
        "1",
    )
    for name in ("Sku", "TotalAvailableQuantity", "CreateDateUtc", "QuantityUpdateDateUtc"):
        assert after[name] == before[name]
    assert named(api, child, "Attributes", "Value") == {"Size": "1"}
    assert len(asked(api, f"Products({parent})/Children")["value"]) == 1
    wrong(
        api.post(f"/v1/Products({parent})/RemoveChildren", {"Value": {"ChildProductIDList": [child]}}), 400, str(child)
    )


def test_bundles(api: Api) -> None:
    first, second = made(api, "A"), made(api, "B")
    bundle = made(
        api, "AB", BundleComponents=[{"ComponentSku": "A", "Quantity": 2}, {"ProductID": second, "Quantity": 1}]
    )
    made(api, "P", IsParent=True)
    for sku, words in (("P", "P is a parent"), ("NOPE", "no product with the Sku NOPE")):
        named = {"Sku": "AC", "BundleComponents": [{"ComponentSku": sku, "Quantity": 1}]}
        wrong(api.post("/v1/Products", named), 400, words)
    twice = {"Sku": "AC", "BundleComponents": [{"ComponentSku": "A"}, {"ProductID": first, "Quantity": 3}]}
    wrong(api.post("/v1/Products", twice), 400, f"The product {first} stands there twice")
    operations.set_quantities(first, {0: 7}, "req-1")
    operations.set_quantities(second, {0: 2}, "req-1")
    found = shown(api, bundle, "?$expand=BundleComponents,DCQuantities")
    assert (found["TotalAvailableQuantity"], found["ProductType"], found["BundleType"]) == (2, "Bundle", "BundleItem")
    assert [(one["ComponentSku"], one["Quantity"]) for one in found["BundleComponents"]] == [("A", 2), ("B", 1)]
    assert shown(api, first)["BundleType"] == "BundleComponent"
    wrong(api.delete(f"/v1/Products({first})"), 409, "component")
    wrong(api.patch(f"/v1/ProductBundleComponents(ProductID={first},ComponentID={second})", {"Quantity": 1}), 400)
    wrong(
        api.post(
            f"/v1/Products({bundle})/UpdateQuantity",
            {"Value": {"Updates": [{"DistributionCenterID": 0, "Quantity": 1}]}},
        ),
        400,
    )
    done(api.put(f"/v1/ProductBundleComponents(ProductID={bundle},ComponentID={first})", {"Quantity": 7}))
    assert shown(api, bundle)["TotalAvailableQuantity"] == 1
    done(api.delete(f"/v1/ProductBundleComponents(ProductID={bundle},ComponentID={first})"))
    wrong(api.delete(f"/v1/ProductBundleComponents(ProductID={bundle},ComponentID={first})"), 404)
    done(api.delete(f"/v1/Products({first})"))
    done(api.delete(f"/v1/Products({bundle})"))
    done(api.delete(f"/v1/Products({second})"))


# What belongs to products.


def test_limits_are_characters(api: Api) -> None:
    id = made(api, "A")
    given = {"ProductID": id, "Name": "N" * 32, "Value": "\N{GRINNING FACE}" * 32_000}
    assert api.post("/v1/AttributeValues", given).status == 201
    assert named(api, id, "Attributes", "Value")["N" * 32] == given["Value"]
    wrong(api.post("/v1/AttributeValues", {**given, "Name": "N" * 33}), 400, "Name")
    wrong(api.post("/v1/AttributeValues", {**given, "Value": "x" * 32_001}), 400, "Value")
    place = f"/v1/Images(ProductID={id},PlacementName='{'P' * 50}')"
    done(api.put(place, {"Url": "u" * 255}))
    wrong(api.put(place, {"Url": "u" * 256}), 400, "Url")
    # A file has no cell for an image without an address.
    wrong(api.put(place, {"Url": ""}), 400, "Url has 0 characters")
    wrong(api.put(place.replace("P'", "PP'"), {"Url": "u"}), 400, "PlacementName")
    wrong(api.post("/v1/Products", {"Sku": "S" * 51}), 400, "Sku")
    wrong(api.post("/v1/Products", {"Sku": "S", "Title": "T" * 121}), 400, "Title")
    made(api, "S" * 50, Title="T" * 120)
    wrong(api.put(f"/v1/ProductLabels(ProductID={id},Name='{'L' * 51}')"), 400, "Name")


def test_attributes(api: Api) -> None:
    id = made(api, "A")
    answer = api.post("/v1/AttributeValues", {"ProductID": id, "Name": "it's", "Value": "x"})
    assert (answer.status, answer.json()["Value"]) == (201, "x")
    assert api.get(answer.headers["location"]).json()["Name"] == "it's"
    done(api.patch(f"/v1/AttributeValues(ProductID={id},Name='Size')", {"Value": "1"}))
    done(api.put(f"/v1/Products({id})/Attributes('Size')", {"Value": "2"}))
    update = {"Value": {"Attributes": [{"Name": "Size", "Value": "3"}, {"Name": "Colour", "Value": "red"}]}}
    done(api.post(f"/v1/Products({id})/UpdateAttributes", update))
    assert named(api, id, "Attributes", "Value") == {"it's": "x", "Size": "3", "Colour": "red"}
    done(api.delete(f"/v1/AttributeValues(ProductID={id},Name='it''s')"))
    wrong(api.delete(f"/v1/AttributeValues(ProductID={id},Name='it''s')"), 404)
    wrong(api.post("/v1/AttributeValues", {"ProductID": 999999, "Name": "N", "Value": "x"}), 400, "999999")
    wrong(api.patch(f"/v1/AttributeValues(ProductID={id},Name='Size')", {}), 400, "Value")
    wrong(api.patch(f"/v1/AttributeValues(ProductID={id},Name='Size')", {"Name": "Other", "Value": "x"}), 400, "Name")
    wrong(api.post(f"/v1/Products({id})/UpdateAttributes", {"Attributes": []}), 400, "Value")
    wrong(api.get(f"/v1/Products({id})/UpdateAttributes"), 405)


def test_an_attribute_has_one_value_in_a_body(api: Api) -> None:
    given = [{"Name": "Size", "Value": "1"}, {"Name": "Colour", "Value": "red"}, {"Name": "Size", "Value": "1"}]
    id = made(api, "A", Attributes=given)
    given[2] = {"Name": "Size", "Value": "2"}
    wrong(api.post("/v1/Products", {"Sku": "B", "Attributes": given}), 400, "Size stands there with two values")
    update = {"Value": {"Attributes": [{"Name": "Size", "Value": None}, {"Name": "Size", "Value": "3"}]}}
    wrong(api.post(f"/v1/Products({id})/UpdateAttributes", update), 400, "Size stands there with two values")
    assert named(api, id, "Attributes", "Value") == {"Size": "1", "Colour": "red"}


def test_labels_are_put_without_a_body(api: Api) -> None:
    id = made(api, "A")
    done(api.put(f"/v1/ProductLabels(ProductID={id},Name='Sale')", text="", headers={"Content-Length": "0"}))
    done(api.put(f"/v1/Products({id})/Labels('New')"))
    assert [one["Name"] for one in asked(api, f"Products({id})/Labels")["value"]] == ["New", "Sale"]
    done(api.delete(f"/v1/Products({id})/Labels('New')"))
    wrong(api.delete(f"/v1/Products({id})/Labels('New')"), 404)


def test_images_of_a_product_are_in_order(api: Api) -> None:
    id = made(api, "A")

    def put(place: str, url: str) -> None:
        done(api.put(f"/v1/Images(ProductID={id},PlacementName='{place}')", {"Url": url}))

    def in_files() -> tuple[str, ...]:
        entity = repository.get_entity(Unit(), id)
        assert entity is not None
        found = repository.get(Unit(), entity.product)
        assert found is not None
        return found.images

    put("ITEMIMAGEURL1", "a")
    put("ITEMIMAGEURL3", "c")
    put("Swatch", "s")
    assert in_files() == ("a",)
    assert named(api, id, "Images", "Url") == {"ITEMIMAGEURL1": "a", "ITEMIMAGEURL3": "c", "Swatch": "s"}
    put("ITEMIMAGEURL2", "b")
    assert in_files() == ("a", "b", "c")
    done(api.delete(f"/v1/Images(ProductID={id},PlacementName='ITEMIMAGEURL1')"))
    assert in_files() == ("b", "c")
    assert named(api, id, "Images", "Url") == {"ITEMIMAGEURL1": "b", "ITEMIMAGEURL2": "c", "Swatch": "s"}
    wrong(api.delete(f"/v1/Images(ProductID={id},PlacementName='ITEMIMAGEURL3')"), 404)
    parent = made(api, "P", IsParent=True)
    child = made(api, "P-1", ParentProductID=parent)
    wrong(api.put(f"/v1/Images(ProductID={child},PlacementName='ITEMIMAGEURL1')", {"Url": "x"}), 400, str(parent))
    done(api.put(f"/v1/Images(ProductID={child},PlacementName='Swatch')", {"Url": "x"}))


def test_quantities(api: Api) -> None:
    reference.create_centre(7, "East")
    id = made(api, "A")

    def update(kind: str | None, *updates: tuple[int, int], complete: bool = False) -> Answer:
        value: dict[str, Any] = {
            "CompleteDCList": complete,
            "Updates": [{"DistributionCenterID": centre, "Quantity": pieces} for centre, pieces in updates],
        }
        if kind is not None:
            value["UpdateType"] = kind
        return api.post(f"/v1/Products({id})/UpdateQuantity", {"Value": value})

    def stock() -> Mapping[int, int]:
        return named(api, id, "DCQuantities", "AvailableQuantity")  # type: ignore[return-value]

    done(update(None, (0, 5), (7, 2)))
    assert stock() == {0: 5, 7: 2}
    done(update("Relative", (0, -3)))
    wrong(update("Relative", (7, 1), (0, -3)), 400)
    assert stock() == {0: 2, 7: 2}
    done(update("InStock", (0, 9), complete=True))
    assert stock() == {0: 9, 7: 0}
    done(update("2", (0, 8)))
    wrong(update("Unconfirmed", (0, 1)), 400, "Unconfirmed")
    wrong(update("Nope", (0, 1)), 400, "UpdateType")
    wrong(update(None, (0, 1), (99, 1)), 400, "99")
    wrong(update(None, (0, 1), (0, 2)), 400, "twice")
    wrong(update(None, (0, 2**31)), 400, "Quantity")
    assert stock() == {0: 8, 7: 0}
    done(api.patch(f"/v1/DCQuantities(ProductID={id},DistributionCenterID=7)", {"AvailableQuantity": 4}))
    assert shown(api, id)["TotalAvailableQuantity"] == 12
    done(api.delete(f"/v1/DCQuantities(ProductID={id},DistributionCenterID=7)"))
    wrong(api.delete(f"/v1/DCQuantities(ProductID={id},DistributionCenterID=7)"), 404)
    assert stock() == {0: 8}
    parent = made(api, "P", IsParent=True)
    wrong(api.patch(f"/v1/DCQuantities(ProductID={parent},DistributionCenterID=0)", {"AvailableQuantity": 4}), 400)


# Conditions and rights.


def test_if_match_of_products(api: Api) -> None:
    id = made(api, "A", Title="Boots")
    tag = api.get(f"/v1/Products({id})").headers["etag"]
    done(api.patch(f"/v1/DCQuantities(ProductID={id},DistributionCenterID=0)", {"AvailableQuantity": 4}))
    # The stock is no part of what it is.
    done(api.patch(f"/v1/Products({id})", {"Title": "Shoes"}, headers={"If-Match": tag}))
    wrong(api.patch(f"/v1/Products({id})", {"Title": "Hats"}, headers={"If-Match": tag}), 412)
    wrong(api.delete(f"/v1/Products({id})", headers={"If-Match": tag}), 412)
    wrong(api.patch(f"/v1/Products({id})", {"Title": "Hats"}, headers={"If-None-Match": "*"}), 412)
    label = f"/v1/ProductLabels(ProductID={id},Name='Sale')"
    done(api.put(label, headers={"If-None-Match": "*"}))
    wrong(api.put(label, headers={"If-None-Match": "*"}), 412)
    assert shown(api, id)["Title"] == "Shoes"
    done(api.delete(f"/v1/Products({id})", headers={"If-Match": "*"}))


def test_a_token_that_reads_cannot_write_entity_sets(api: Api) -> None:
    id = made(api, "A")
    reader = Api(narrowed(catalogue="read"))
    for method, url, body in (
        ("POST", "/v1/Products", {"Sku": "B"}),
        ("PATCH", f"/v1/Products({id})", {"Title": "x"}),
        ("DELETE", f"/v1/Products({id})", None),
        ("POST", f"/v1/Products({id})/UpdateQuantity", {"Value": {}}),
        ("PUT", f"/v1/ProductLabels(ProductID={id},Name='x')", None),
    ):
        assert reader(method, url, body).status == 403
    assert shown(api, id)["Title"] is None


def test_allowed_methods_of_entity_sets(api: Api) -> None:
    id = made(api, "A")
    for url, allowed in (
        ("/v1/Products", "GET, HEAD, POST"),
        (f"/v1/Products({id})", "GET, HEAD, PATCH, PUT, DELETE"),
        ("/v1/Images", "GET, HEAD"),
        (f"/v1/Products({id})/UpdateQuantity", "POST"),
        ("/v1/Products/$query", "POST"),
        (f"/v1/Products({id})/Children", "GET, HEAD"),
    ):
        answer = api("OPTIONS", url)
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


# In batches.


def test_a_change_set_of_entity_sets_and_a_batch_request(api: Api, channel: int) -> None:
    answers = send(
        api,
        envelope(
            change_set(
                request("POST", "Products", {"Sku": "NEW", "Title": "Boots"}, Content_ID="1"),
                request("POST", "$1/UpdateAttributes", {"Value": {"Attributes": [{"Name": "Size", "Value": "1"}]}}),
                request(
                    "POST", "$1/UpdateQuantity", {"Value": {"Updates": [{"DistributionCenterID": 0, "Quantity": 5}]}}
                ),
                request("PATCH", "$1", {"UPC": "1"}),
                request(
                    "POST", f"/api/v1/channel/{channel}/batch_requests/", {"channel": channel, "type_key": "product"}
                ),
            )
        ),
    )
    assert answers.status == 200, answers.text
    [id] = ids(asked(api, "Products?$filter=Sku%20eq%20'NEW'"))
    found = shown(api, id, "?$expand=Attributes")
    assert (found["UPC"], found["TotalAvailableQuantity"]) == ("1", 5)
    assert [one["Value"] for one in found["Attributes"]] == ["1"]


def test_a_failed_change_set_of_entity_sets_writes_nothing(api: Api) -> None:
    id = made(api, "A")
    answers = send(
        api,
        envelope(
            change_set(
                request("POST", "Products", {"Sku": "NEW"}),
                request("PATCH", f"Products({id})", {"Title": "Boots"}),
                request(
                    "POST",
                    f"Products({id})/UpdateQuantity",
                    {"Value": {"UpdateType": "Relative", "Updates": [{"DistributionCenterID": 0, "Quantity": -1}]}},
                ),
            )
        ),
    )
    assert "400 Bad Request" in answers.text
    assert asked(api, "Products?$filter=Sku%20eq%20'NEW'")["value"] == []
    assert shown(api, id)["Title"] is None


def test_stock_moves_of_a_change_set_are_one_transaction(api: Api, calls: Calls) -> None:
    found = [stored(product(f"p{n}", f"S-{n}")).variants[0].entity for n in range(25)]
    requests = [
        {
            "id": str(n),
            "atomicityGroup": "g",
            "method": "PATCH",
            "url": f"DCQuantities(ProductID={id},DistributionCenterID=0)",
            "body": {"AvailableQuantity": n},
        }
        for n, id in enumerate(found)
    ]
    calls.clear()
    answer = api.post("/v1/$batch", {"requests": requests}, headers={"Accept": "application/json"})
    assert {one["status"] for one in answer.json()["responses"]} == {204}, answer.text[:500]
    assert calls == ["dynamodb.TransactGetItems", "dynamodb.TransactWriteItems"]
    assert repository.read_quantities(found) == {id: n for n, id in enumerate(found)}


def test_a_change_set_may_use_what_it_sets_free(api: Api) -> None:
    first, second = made(api, "A"), made(api, "B")
    swap = [(first, "tmp"), (second, "A"), (first, "B")]
    answer = send(api, envelope(change_set(*(request("PATCH", f"Products({id})", {"Sku": sku}) for id, sku in swap))))
    assert answer.text.count("HTTP/1.1 204 No Content") == 3, answer.text
    assert (shown(api, first)["Sku"], shown(api, second)["Sku"]) == ("B", "A")
    again = [request("DELETE", f"Products({second})"), request("POST", "Products", {"Sku": "A", "Title": "again"})]
    answer = send(api, envelope(change_set(*again)))
    assert "HTTP/1.1 201 Created" in answer.text, answer.text
    [found] = asked(api, "Products?$filter=Sku%20eq%20'A'")["value"]
    assert (found["Title"], found["ID"] != second) == ("again", True)


def test_a_change_set_may_use_what_it_makes(api: Api) -> None:
    bundle = {"Sku": "bundle", "BundleComponents": [{"ComponentSku": "part", "Quantity": 2}]}
    made_of = [request("POST", "Products", {"Sku": "part"}), request("POST", "Products", bundle)]
    assert send(api, envelope(change_set(*made_of))).text.count("HTTP/1.1 201 Created") == 2
    more = {"Value": {"UpdateType": "Relative", "Updates": [{"DistributionCenterID": 0, "Quantity": 3}]}}
    chain = [
        request("POST", "Products", {"Sku": "new"}, Content_ID="1"),
        request("PATCH", "$1", {"Title": "t"}),
        request("POST", "$1/UpdateQuantity", more),
        request("POST", "$1/UpdateQuantity", more),
    ]
    assert send(api, envelope(change_set(*chain))).text.count("HTTP/1.1 204 No Content") == 3
    [found] = asked(api, "Products?$filter=Sku%20eq%20'new'")["value"]
    assert (found["Title"], found["TotalAvailableQuantity"]) == ("t", 6)
    twice = [request("POST", "Products", {"Sku": "twice"})] * 2
    assert "DuplicateSku" in send(api, envelope(change_set(*twice))).text
    assert asked(api, "Products?$filter=Sku%20eq%20'twice'")["value"] == []


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_label_is_set_without_a_body_by_either_address(api: Api, method: str) -> None:
    id = made(api, "A")
    done(api(method, f"/v1/Products({id})/Labels('Sale')"))
    done(api(method, f"/v1/ProductLabels(ProductID={id},Name='New%20Arrival')", headers={"Content-Length": "0"}))
    assert [one["Name"] for one in asked(api, f"Products({id})/Labels")["value"]] == ["New Arrival", "Sale"]
