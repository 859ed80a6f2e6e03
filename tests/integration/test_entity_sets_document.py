"""What the OpenAPI document says of entity sets: their paths, methods, rights, properties and what bodies need."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.integration.test_entity_set_rights import client
from tests.integration.test_rights import SCOPES
from tests.support.api import Api
from tests.support.documented import document
from tools.generate import ROOT

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
KINDS = {
    "Edm.String": "string",
    "Edm.Boolean": "boolean",
    "Edm.Int32": "integer",
    "Edm.Int64": "integer",
    "Edm.Decimal": "number",
    "Edm.Double": "number",
    "Edm.DateTimeOffset": "string",
}
PATHS = {path: item for path, item in document()["paths"].items() if path.startswith("/v1/") and path != "/v1/$batch"}
SCHEMAS = document()["components"]["schemas"]
METADATA = ElementTree.fromstring((ROOT / "functions/odata/metadata.xml").read_text())
READING = {"get"}


def concrete(path: str, operation: dict[str, Any]) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", "1")
    return path


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in PATHS.items():
        for method, operation in item.items():
            yield method, concrete(path, operation), operation


def of_kind(kind: str) -> Iterator[ElementTree.Element]:
    return METADATA.iter(f"{EDM}{kind}")


def last(name: str) -> str:
    return name.removesuffix(")").rpartition(".")[2]


def kinds(schema: dict[str, Any]) -> set[str]:
    return {one.get("type", "object") for one in schema.get("anyOf", [schema])}


@pytest.mark.parametrize("path", PATHS)
def test_each_path_has_the_methods_that_it_is_served_with(api: Api, path: str) -> None:
    [first, *_] = PATHS[path].values()
    answer = api("OPTIONS", concrete(path, first))
    assert answer.status == 405, answer.text
    documented = {method.upper() for method in PATHS[path]}
    assert set(answer.headers["Allow"].split(", ")) == documented | ({"HEAD"} if "GET" in documented else set())


def test_every_entity_set_and_operation_of_the_metadata_has_a_path() -> None:
    types = {last(one.attrib["Name"]): one for one in of_kind("EntityType")}
    wanted = {"/v1/", "/v1/$metadata"}
    for found in of_kind("EntitySet"):
        name, kind = found.attrib["Name"], types[last(found.attrib["EntityType"])]
        texts = {one.attrib["Name"] for one in kind.iter(f"{EDM}Property") if one.attrib["Type"] == "Edm.String"}
        keys = [one.attrib["Name"] for one in kind.iter(f"{EDM}PropertyRef")]
        values = {key: f"'{{{key}}}'" if key in texts else f"{{{key}}}" for key in keys}
        key = values[keys[0]] if len(keys) == 1 else ",".join(f"{one}={value}" for one, value in values.items())
        wanted |= {f"/v1/{name}{end}" for end in ("", "/$count", "/$query", f"({key})")}
        for navigation in kind.iter(f"{EDM}NavigationProperty"):
            ends = ("", "/$count") if navigation.attrib["Type"].startswith("Collection") else ("",)
            wanted |= {f"/v1/{name}({key})/{navigation.attrib['Name']}{end}" for end in ends}
    wanted |= {f"/v1/Products({{ID}})/{one.attrib['Name']}" for one in of_kind("Action")}
    assert set(PATHS) == wanted


def test_schemas_have_the_properties_of_the_metadata() -> None:
    for kind in of_kind("EntityType"):
        shown = SCHEMAS[kind.attrib["Name"]]["properties"]
        for one in kind.iter(f"{EDM}Property"):
            expected = {KINDS.get(one.attrib["Type"], "string")}
            assert kinds(shown[one.attrib["Name"]]) == expected | (
                set() if one.attrib.get("Nullable") == "false" else {"null"}
            )
        named = {one.attrib["Name"] for end in ("Property", "NavigationProperty") for one in kind.iter(f"{EDM}{end}")}
        assert named == {name for name in shown if "@" not in name}


def test_required_properties_of_bodies_are_required(api: Api) -> None:
    id = api.post("/v1/Products", {"Sku": "A"}).json()["ID"]
    bodies: dict[str, dict[str, Any]] = {
        "NewProduct": {"Sku": "B"},
        "NewAttributeValue": {"ProductID": id, "Name": "Size", "Value": "1"},
        "AttributeValueChange": {"Value": "2"},
        "ImageChange": {"Url": "u"},
        "DCQuantityChange": {"AvailableQuantity": 1},
        "ProductBundleComponentChange": {"Quantity": 1},
    }
    urls = {
        "NewProduct": ("POST", "/v1/Products"),
        "NewAttributeValue": ("POST", "/v1/AttributeValues"),
        "AttributeValueChange": ("PATCH", f"/v1/AttributeValues(ProductID={id},Name='Size')"),
        "ImageChange": ("PATCH", f"/v1/Images(ProductID={id},PlacementName='X')"),
        "DCQuantityChange": ("PATCH", f"/v1/DCQuantities(ProductID={id},DistributionCenterID=0)"),
        "ProductBundleComponentChange": ("PATCH", f"/v1/ProductBundleComponents(ProductID={id},ComponentID={{other}})"),
    }
    needing = {name for name, schema in SCHEMAS.items() if name.startswith("New") or name.endswith("Change")}
    needing = {name for name in needing if SCHEMAS[name].get("required") and name in urls}
    assert needing == set(bodies)
    other = api.post("/v1/Products", {"Sku": "C"}).json()["ID"]
    for name, body in bodies.items():
        method, url = urls[name][0], urls[name][1].format(other=other)
        assert sorted(SCHEMAS[name]["required"]) == sorted(body)
        for left_out in body:
            answer = api(method, url, {key: value for key, value in body.items() if key != left_out})
            assert (answer.status, left_out in answer.text) == (400, True), (name, left_out, answer.text)
        assert api(method, url, body).status in {201, 204}


@pytest.mark.parametrize("kind", SCOPES)
def test_every_operation_asks_for_the_rights_of_its_kind(api: Api, kind: str) -> None:
    scope = SCOPES[kind]
    asking = client(scope)
    for method, url, operation in operations():
        reads = method in READING or url.endswith("/$query")
        allowed = scope.reads_catalogue if reads else scope.writes_catalogue
        media_type = next(iter(operation.get("requestBody", {"content": {}})["content"]), None)
        headers = {} if media_type is None else {"Content-Type": media_type}
        # Nothing of it is there: who may do it is told that, or that the body says nothing.
        answer = asking(method.upper(), url, text="{}" if media_type == "application/json" else None, headers=headers)
        assert (answer.status == 403) == (not allowed), (method, url, answer.text)
        assert Api(None)(method.upper(), url).status == 401
