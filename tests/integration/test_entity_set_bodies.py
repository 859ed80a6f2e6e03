"""Bodies that are sent to entity sets, as public reports tell of them: what is taken, and what is told of a refusal."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.catalogue.entity_sets.model import MODEL
from tests.integration.test_entity_sets_reading import asked, filtered, ids
from tests.integration.test_entity_sets_writing import done, made, named, shown, wrong
from tests.support.api import Api

EARLIEST, LATEST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"
"""What .NET sends where nobody set a date, and for a date that is never to come."""


@pytest.mark.parametrize("name", ["ReceivedDateUtc", "BlockedDateUtc", "BlockedFromAdvertisingDateUtc"])
def test_a_date_may_be_any_of_four_digits(api: Api, name: str) -> None:
    early, late = made(api, "A", **{name: EARLIEST}), made(api, "B", **{name: LATEST})
    assert shown(api, early)[name] == "0001-01-01T00:00:00.000000Z"
    assert shown(api, late)[name] == "9999-12-31T23:59:59.999999Z"
    assert ids(asked(api, filtered(f"{name} lt 1000-01-01"))) == [early]
    assert ids(asked(api, filtered(f"{name} gt 9999-01-01"))) == [late]
    assert ids(asked(api, filtered(f"year({name}) eq 9999"))) == [late]
    assert ids(asked(api, f"Products?$orderby={name}%20desc&$select=ID")) == [late, early]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Cost": 2**54}, ["Cost: "]),
        ({"RetailPrice": -(2**54)}, ["RetailPrice: "]),
        ({"MultipackQuantity": 2**31}, ["MultipackQuantity "]),
        ({"BundleComponents": [{"ComponentSku": "B", "Quantity": 0}]}, ["BundleComponents: "]),
        ({"IsParent": True, "BundleComponents": [{"ComponentSku": "B", "Quantity": 1}]}, ["BundleComponents: "]),
        ({"Attributes": [{"Name": f"N{one}", "Value": ""} for one in range(251)]}, ["Attributes: ", "251"]),
    ],
)
def test_an_impossible_value_is_told_by_its_name_in_the_model(api: Api, given: Any, words: list[str]) -> None:
    made(api, "B")
    answer = api.post("/v1/Products", {"Sku": "A", **given})
    wrong(answer, 400, *words)
    if not {"IsParent", "BundleComponents", "Attributes"} & given.keys():
        wrong(api.patch(f"/v1/Products({made(api, 'C')})", given), 400, *words)


def test_an_impossible_quantity_is_told_by_its_name_in_the_model(api: Api) -> None:
    id, parent = made(api, "A"), made(api, "P", IsParent=True)
    for key in (f"ProductID={id},DistributionCenterID=99", f"ProductID={parent},DistributionCenterID=0"):
        wrong(api.put(f"/v1/DCQuantities({key})", {"AvailableQuantity": 1}), 400, "AvailableQuantity: ")
    update = {"Value": {"Updates": [{"DistributionCenterID": 99, "Quantity": 1}]}}
    wrong(api.post(f"/v1/Products({id})/UpdateQuantity", update), 400, "Quantity: ", "99")


LONG = "x" * 33


@pytest.mark.parametrize(
    ("list_of", "entries", "words"),
    [
        ("Attributes", [{"Name": "a", "Value": "1"}, {"Name": LONG, "Value": "1"}], ["Attributes[1]", "Name", "33"]),
        ("Attributes", [{"Name": "a", "Value": 1}], ["Attributes[0]", "Value", "Edm.String"]),
        ("Attributes", [{"Name": "a", "Value": "1"}, {"Name": "b", "Nope": "1"}], ["Attributes[1]", '"Nope"']),
        ("Attributes", [None], ["Attributes[0]", "object"]),
        ("Attributes", ["a"], ["Attributes[0]", "object"]),
        ("Attributes", [{"Name": "a", "Value": "1"}, {"Value": "1"}], ["Attributes[1]", "Name is required"]),
        ("BundleComponents", [{"ProductID": 1}, {"ProductID": "1"}], ["BundleComponents[1]", "ProductID", "Edm.Int32"]),
    ],
)
def test_an_entry_of_a_list_that_is_wrong_is_told_by_its_place(
    api: Api, list_of: str, entries: list[Any], words: list[str]
) -> None:
    id = made(api, "A")
    wrong(api.post("/v1/Products", {"Sku": "B", list_of: entries}), 400, *words)
    if list_of == "Attributes":
        wrong(api.post(f"/v1/Products({id})/UpdateAttributes", {"Value": {list_of: entries}}), 400, *words)
    assert ids(asked(api, "Products")) == [id]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"DistributionCenterID": 0, "Quantity": "2"}, ["Updates[1]", "Quantity", "Edm.Int32"]),
        ({"DistributionCenterID": 0}, ["Updates[1]", "Quantity is required"]),
        ({"Quantity": 1}, ["Updates[1]", "DistributionCenterID is required"]),
        (None, ["Updates[1]", "null"]),
    ],
)
def test_a_wrong_update_of_quantities_is_told_by_its_place(api: Api, entry: Any, words: list[str]) -> None:
    id = made(api, "A")
    updates = [{"DistributionCenterID": 0, "Quantity": 1}, entry]
    wrong(api.post(f"/v1/Products({id})/UpdateQuantity", {"Value": {"Updates": updates}}), 400, *words)


@pytest.mark.parametrize("children", [[1, "2"], [1, None], [1, 2.5]])
def test_a_wrong_child_is_told_by_its_place(api: Api, children: list[Any]) -> None:
    parent = made(api, "P", IsParent=True)
    answer = api.post(f"/v1/Products({parent})/RemoveChildren", {"Value": {"ChildProductIDList": children}})
    wrong(answer, 400, "ChildProductIDList[1]")


def test_an_attribute_without_a_value_is_not_removed(api: Api) -> None:
    id = made(api, "A", Attributes=[{"Name": "Size", "Value": "13M"}])
    update = {"Value": {"Attributes": [{"Name": "Hue", "Value": "red"}, {"Name": "Size"}]}}
    wrong(api.post(f"/v1/Products({id})/UpdateAttributes", update), 400, "Attributes[1]", "Value is required")
    wrong(api.post("/v1/Products", {"Sku": "B", "Attributes": [{"Name": "Size"}]}), 400, "Value is required")
    assert named(api, id, "Attributes", "Value") == {"Size": "13M"}
    done(api.post(f"/v1/Products({id})/UpdateAttributes", {"Value": {"Attributes": [{"Name": "Size", "Value": None}]}}))
    assert named(api, id, "Attributes", "Value") == {}


@pytest.mark.parametrize("action", ["UpdateQuantity", "UpdateAttributes", "RemoveChildren"])
@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"Value": {}, "CompleteDCList": True}, "CompleteDCList"),
        ({"Value": {}, "value": {}}, "value"),
        ({"Updates": []}, "Value"),
        ({"Value": []}, "Value"),
        ([], "Value"),
    ],
)
def test_a_parameter_that_an_action_does_not_have_is_told(api: Api, action: str, body: Any, word: str) -> None:
    id = made(api, "A", IsParent=True)
    wrong(api.post(f"/v1/Products({id})/{action}", body), 400, word)
    if action == "UpdateAttributes":
        done(api.post(f"/v1/Products({id})/{action}", {"@odata.context": "x", "Value@odata.type": "y", "Value": {}}))


@pytest.mark.parametrize(
    "name",
    ["Attributes@odata.bind", "Children@odata.bind", "ParentProduct@odata.bind", "Attributes@bind",
     "Attributes@odata.delta", "Labels@delta"],
)  # fmt: skip
def test_an_annotation_that_would_change_relations_is_not_lost(api: Api, name: str) -> None:
    id = made(api, "A")
    wrong(api.post("/v1/Products", {"Sku": "B", name: ["Products(1)"]}), 400, name)
    wrong(api.patch(f"/v1/Products({id})", {"Title": "x", name: ["Products(1)"]}), 400, name)
    assert (ids(asked(api, "Products")), shown(api, id)["Title"]) == ([id], None)


ANNOTATIONS = {
    "@odata.context": "https://example.com/$metadata#Products/$entity",
    "@odata.type": "#ChannelAdvisor.RestApi.V1.Models.Product",
    "@odata.etag": 'W/"1"',
    "@odata.id": "Products(1)",
    "@odata.editLink": "Products(1)",
    "@odata.readLink": None,
    "Flag@odata.type": "#ChannelAdvisor.RestApi.V1.Models.FlagType",
    "Attributes@odata.navigationLink": "Products(1)/Attributes",
    "Attributes@odata.associationLink": "Products(1)/Attributes/$ref",
    "Attributes@odata.count": 7,
    "Attributes@odata.type": "#Collection(ChannelAdvisor.RestApi.V1.Models.AttributeValue)",
    "Title@vendor.note": "x",
}


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_annotations_that_describe_are_passed_over(api: Api, annotation: str) -> None:
    id = made(api, "A", Flag="RedFlag", **{annotation: ANNOTATIONS[annotation]})
    done(api.patch(f"/v1/Products({id})", {"Title": "x", annotation: ANNOTATIONS[annotation]}))
    found = shown(api, id)
    assert (found["Flag"], found["Title"]) == ("RedFlag", "x")


IEEE754 = "application/json;odata.metadata=minimal;IEEE754Compatible=true"


@pytest.mark.parametrize("text", ["12.50", "-3", "1e2", "0.1", "+7"])
def test_decimals_come_as_strings_where_their_media_type_says_so(api: Api, text: str) -> None:
    body = json.dumps({"Sku": "A", "Cost": text, "RetailPrice": 1.5, "Weight": 2, "Flag": "RedFlag"})
    for media_type in (IEEE754, "application/json; ieee754compatible = TRUE ; charset=UTF-8"):
        answer = api.post("/v1/Products", text=body, headers={"Content-Type": media_type})
        assert answer.status == 201, answer.text
        assert (answer.json()["Cost"], answer.json()["RetailPrice"]) == (float(text), 1.5)
        assert api.delete(f"/v1/Products({answer.json()['ID']})").status == 204
    for media_type in ("application/json", "application/json;IEEE754Compatible=false"):
        answer = api.post("/v1/Products", text=body, headers={"Content-Type": media_type})
        wrong(answer, 400, "Cost", "IEEE754Compatible=true")


@pytest.mark.parametrize(
    ("name", "text"),
    [("Cost", ""), ("Cost", " 1"), ("Cost", "1,5"), ("Cost", "NaN"), ("Cost", "0x1"), ("Cost", "1_000"),
     ("Cost", "1e400"), ("Cost", "1" * 400), ("Cost", "\N{ARABIC-INDIC DIGIT THREE}"),
     ("Weight", "1"), ("MultipackQuantity", "1")],
)  # fmt: skip
def test_a_string_that_is_no_decimal_is_refused(api: Api, name: str, text: str) -> None:
    body = json.dumps({"Sku": "A", name: text})
    wrong(api.post("/v1/Products", text=body, headers={"Content-Type": IEEE754}), 400, f"{name} must be of the type")


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("Products", '{"Sku":"A","Sku":"B"}', "Sku"),
        ("Products", '{"Sku":"A","Attributes":[{"Name":"a","Value":"1","Value":"2"}]}', "Value"),
        ("Products({id})/UpdateQuantity", '{"Value":{"Updates":[{"Quantity":1,"Quantity":2}]}}', "Quantity"),
        ("Products({id})/UpdateAttributes", '{"Value":{"Attributes":[]},"Value":{}}', "Value"),
    ],
)  # fmt: skip
def test_a_member_that_stands_there_twice_is_refused(api: Api, path: str, text: str, name: str) -> None:
    id = made(api, "X")
    wrong(api.post(f"/v1/{path.format(id=id)}", text=text), 400, f'"{name}" twice')
    assert ids(asked(api, "Products")) == [id]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Flag": "Nope"}, ["Flag", "FlagType", "NoFlag", "ExclamationPoint"]),
        ({"Flag": 99}, ["Flag", "FlagType", "RedFlag"]),
        (
            {"ReceivedDateUtc": "/Date(1399908709000)/"},
            ["ReceivedDateUtc", "Edm.DateTimeOffset", "2024-05-31T13:30:00Z"],
        ),
        ({"ReceivedDateUtc": 1399908709}, ["ReceivedDateUtc", "Edm.DateTimeOffset", "2024-05-31T13:30:00Z"]),
    ],
)
def test_a_value_of_another_type_is_told_with_what_there_is(api: Api, given: Any, words: list[str]) -> None:
    wrong(api.post("/v1/Products", {"Sku": "A", **given}), 400, *words)


@pytest.mark.parametrize("name", ["a", "it's", "a/b?c#d", "50% \N{GREEK SMALL LETTER ALPHA}", "a;b=c&d"])
@pytest.mark.parametrize("alias", [False, True])
def test_where_something_is_that_may_be_made_is_told_though_nothing_is_shown(api: Api, name: str, alias: bool) -> None:
    id = made(api, "A")
    literal = quote("'" + name.replace("'", "''") + "'", safe="'")
    path = f"Products({id})/Attributes({literal})" if alias else f"AttributeValues(ProductID={id},Name={literal})"
    answer = api.put(f"/v1/{path}", {"Value": "b"})
    assert (answer.status, answer.headers["odata-entityid"].isascii()) == (204, True)
    found = api.get(answer.headers["odata-entityid"])
    assert (found.status, found.json()["Name"], found.json()["Value"]) == (200, name, "b")
    answer = api.patch(f"/v1/Products({id})", {"Title": "t"})
    assert answer.headers["odata-entityid"].endswith(f"/v1/Products({id})")
    answer = api.post("/v1/AttributeValues", {"ProductID": id, "Name": name, "Value": "c"})
    assert api.get(answer.headers["location"]).json()["Value"] == "c"


NAMES = sorted(
    {name for one in (*MODEL.types.values(), *MODEL.complex_types) for name in one.properties}
    | {name for one in MODEL.types.values() for name in one.navigations}
    | {"Value", "Nope", "@odata.type", "Attributes@odata.bind"}
)
ODD = [
    None,
    True,
    0,
    1,
    -1,
    1.5,
    1e300,
    2**70,
    "",
    "x",
    "1",
    "RedFlag",
    "2024-01-01",
    "\ud800",
    "\x00",
    EARLIEST,
    LATEST,
]
VALUES = st.recursive(
    st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
WRITES = [
    ("POST", "Products"),
    ("PATCH", "Products({id})"),
    ("PUT", "Products({parent})"),
    ("POST", "AttributeValues"),
    ("PUT", "AttributeValues(ProductID={id},Name='a')"),
    ("PUT", "Images(ProductID={id},PlacementName='a')"),
    ("PUT", "DCQuantities(ProductID={id},DistributionCenterID=0)"),
    ("PUT", "ProductLabels(ProductID={id},Name='a')"),
    ("PUT", "ProductBundleComponents(ProductID={id},ComponentID=9)"),
    ("POST", "Products({id})/UpdateQuantity"),
    ("POST", "Products({id})/UpdateAttributes"),
    ("POST", "Products({parent})/RemoveChildren"),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    write=st.sampled_from(WRITES),
    body=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4) | VALUES,
    media_type=st.sampled_from([IEEE754, "application/json"]),
)
def test_any_body_is_taken_or_refused_with_a_reason(api: Api, write: Any, body: Any, media_type: str) -> None:
    found = {one["IsParent"]: one["ID"] for one in asked(api, "Products?$select=ID,IsParent")["value"][:2]}
    id = found.get(False) or made(api, "A", Attributes=[{"Name": "a", "Value": "b"}])
    parent = found.get(True) or made(api, "P", IsParent=True)
    method, path = write
    url = f"/v1/{path.format(id=id, parent=parent)}"
    answer = api(method, url, text=json.dumps(body), headers={"Content-Type": media_type, "Accept": media_type})
    assert answer.status in {201, 204, 400}, answer.text
    if answer.status == 400:
        assert answer.json()["error"]["message"]
