"""The OpenAPI document says at least what the contract says, and is what the code says today."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from batchyard.http import coded, dialects, typed
from batchyard.odata import json_form, multipart
from tests.support.documented import document, operation_of
from tools.template import routes

LIST = "/api/v1/channel/{channel_id}/batch_requests/"
ONE = LIST + "{id}/"
PRODUCT_BATCHES = "/admin/collection/{collectionId}/product/{productId}/batch"
PRODUCT_BATCH = PRODUCT_BATCHES + "/{batchId}"
OF_COLLECTION = "/admin/collection/{collectionId}/batch"

# The contract's routes, with the statuses that it gives them.
ROUTES = {
    ("GET", LIST): {200, 400, 401, 403, 404},
    ("POST", LIST): {201, 400, 401, 403, 404, 415},
    ("GET", ONE): {200, 401, 403, 404},
    ("PUT", ONE): {200, 400, 401, 403, 404, 412, 413, 415, 500},
    ("PATCH", ONE): {200, 400, 401, 403, 404, 412, 413, 415, 500},
    ("DELETE", ONE): {204, 401, 403, 404, 412, 500},
    ("GET", ONE + "log_file/"): {303, 401, 403, 404},
    ("POST", ONE + "log_file/upload/"): {201, 401, 403, 404},
    ("GET", "/api/v1/active_user/"): {200, 401},
    ("POST", "/api/v1/auth/login/"): {200, 400},
    ("GET", "/api/v1/channels/"): {200, 401, 404},
    ("POST", "/api/v1/channels/"): {201, 400, 401, 403},
    ("GET", "/api/v1/channels/{id}/"): {200, 401, 403, 404},
    ("PATCH", "/api/v1/channels/{id}/"): {200, 400, 401, 403, 404},
    ("DELETE", "/api/v1/channels/{id}/"): {204, 401, 403, 404},
    ("GET", PRODUCT_BATCH): {200, 401, 404},
    ("PUT", PRODUCT_BATCH): {200, 400, 401, 404},
    ("DELETE", PRODUCT_BATCH): {200, 400, 401, 404},
    ("GET", PRODUCT_BATCHES): {200, 400, 401, 404},
    ("POST", PRODUCT_BATCHES): {200, 400, 401, 404},
    ("GET", OF_COLLECTION): {200, 400, 401, 404},
    ("GET", OF_COLLECTION + "/{batchId}"): {200, 401, 404},
    ("GET", OF_COLLECTION + "/{batchId}/tags"): {200},
    ("GET", PRODUCT_BATCH + "/getSN"): {200, 400, 401, 404},
    ("GET", PRODUCT_BATCH + "/lookupSN/{codeId}"): {200, 400, 401, 404},
    ("GET", "/public/collection/{collectionId}/product/{productId}/batch/{batchId}"): {200, 404},
}
PARAMETERS = {
    ("GET", LIST): {"channel_id", "status", "content_type", "ordering", "page", "limit", "if-none-match"},
    ("POST", LIST): {"channel_id", "idempotency-key", "if-match", "if-none-match"},
    ("GET", ONE): {"channel_id", "id", "if-none-match"},
    ("PUT", ONE): {"channel_id", "id", "if-match", "if-none-match"},
    ("PATCH", ONE): {"channel_id", "id", "if-match", "if-none-match"},
    ("DELETE", ONE): {"channel_id", "id", "if-match", "if-none-match"},
    ("GET", PRODUCT_BATCHES): {"collectionid", "productid", "limit", "cursor", "if-none-match"},
    ("GET", OF_COLLECTION): {
        "collectionid",
        "search",
        "idprefix",
        "gtinprefix",
        "lotprefix",
        "productid",
        "limit",
        "cursor",
        "if-none-match",
    },
    ("GET", OF_COLLECTION + "/{batchId}/tags"): {"collectionid", "batchid", "claimsetid", "if-none-match"},
    ("GET", PRODUCT_BATCH + "/getSN"): {"collectionid", "productid", "batchid", "startindex", "count", "if-none-match"},
}
STATUSES = ["initialized", "commit", "sent_to_remote", "ongoing", "done", "fail"]
OBJECT = {
    "pk": {"integer"},
    "failed_reason_type": {"string", "null"},
    "remote_id": {"string", "null"},
    "version_date": {"string", "null"},
    "content_type": {"string", "null"},
}
ANSWER = {
    "pk": {"integer"},
    "channel": {"integer"},
    "local_batch_id": {"string"},
    "remote_batch_id": {"string", "null"},
    "content_type": {"string", "null"},
    "status": {"string"},
    "objects": {"array", "null"},
    "created_date": {"string"},
    "modified_date": {"string"},
}
CHANGE = {
    "channel": {"integer", "string"},
    "remote_batch_id": {"string", "number", "null"},
    "content_type": {"string", "number", "null"},
    "status": {"string"},
    "objects": {"array", "null"},
    "log_file": {"string", "number", "null"},
}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def kinds(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema takes."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return {kind for option in schema["anyOf"] for kind in kinds(option)}
    return {"string"} if "enum" in schema else {schema["type"]}


def body(holder: dict[str, Any]) -> dict[str, Any]:
    return resolved(resolved(holder)["content"]["application/json"]["schema"])


def operation(route: tuple[str, str]) -> dict[str, Any]:
    found = operation_of(*route)
    assert found is not None
    return found


def items(schema: dict[str, Any]) -> dict[str, Any]:
    """What the arrays of a schema hold."""
    return resolved(next(resolved(option)["items"] for option in schema["anyOf"] if "items" in option))


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(document()).validate()


@pytest.mark.parametrize("route", ROUTES)
def test_the_contracts_routes_have_its_statuses(route: tuple[str, str]) -> None:
    documented = {int(status) for status in operation(route)["responses"]}
    assert documented >= ROUTES[route] | {429}


@pytest.mark.parametrize("route", PARAMETERS)
def test_the_contracts_routes_have_its_parameters(route: tuple[str, str]) -> None:
    parameters = {parameter["name"].lower(): parameter for parameter in operation(route)["parameters"]}
    assert set(parameters) == PARAMETERS[route]
    assert all(parameters[name]["required"] == (parameters[name]["in"] == "path") for name in parameters)


def test_statuses_may_be_asked_for_together() -> None:
    (status,) = (p for p in operation(("GET", LIST))["parameters"] if p["name"] == "status")
    assert status["schema"]["type"] == "array"
    assert status["schema"]["items"]["enum"] == [*STATUSES, ""]
    assert status.get("explode", True)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_bodies_have_the_contracts_fields(method: str) -> None:
    sent = body(operation((method, ONE))["requestBody"])
    assert {name: kinds(schema) for name, schema in sent["properties"].items()} == CHANGE
    assert sent.get("required", []) == []
    assert sent["properties"]["status"]["enum"] == STATUSES
    entry = items(sent["properties"]["objects"])
    assert entry["required"] == ["pk"]
    assert {name: kinds(schema) >= OBJECT[name] for name, schema in entry["properties"].items()} == dict.fromkeys(
        OBJECT, True
    )


def test_opening_asks_for_the_channel_alone() -> None:
    sent = body(operation(("POST", LIST))["requestBody"])
    assert (sent["required"], list(sent["properties"])) == (["channel"], ["channel"])


@pytest.mark.parametrize(("route", "status"), [(("POST", LIST), 201), (("GET", ONE), 200), (("PUT", ONE), 200)])
def test_answers_always_hold_the_contracts_fields(route: tuple[str, str], status: int) -> None:
    must_be_an_answer(body(operation(route)["responses"][str(status)]))


def test_pages_hold_answers() -> None:
    page = body(operation(("GET", LIST))["responses"]["200"])
    assert {name: kinds(schema) for name, schema in page["properties"].items()} == {
        "count": {"integer"},
        "next": {"string", "null"},
        "previous": {"string", "null"},
        "results": {"array"},
    }
    assert sorted(page["required"]) == sorted(page["properties"])
    must_be_an_answer(resolved(page["properties"]["results"]["items"]))


def must_be_an_answer(schema: dict[str, Any]) -> None:
    assert {name: kinds(field) for name, field in schema["properties"].items()} == ANSWER
    assert sorted(schema["required"]) == sorted(ANSWER)
    assert schema["properties"]["status"]["enum"] == STATUSES
    entry = items(schema["properties"]["objects"])
    assert {name: kinds(field) for name, field in entry["properties"].items()} == OBJECT
    assert sorted(entry["required"]) == sorted(OBJECT)


def test_every_operation_is_a_route_and_every_single_route_an_operation() -> None:
    served = {(r.method, r.path) for r in routes() if r.method != "ANY" and r.handler != "gateway.fallback.handler"}
    # What one function takes with any method is compared with what it answers (`test_entity_sets_document`).
    documented = {(method, path) for method, path in documented_routes() if not path.startswith("/v1")}
    # HEAD is said of all of them at once.
    heads = {("HEAD", path) for method, path in documented if method == "GET"}
    assert documented | heads == served
    assert operation_of("POST", "/v1/$batch")
    assert "HEAD is answered wherever GET is" in document()["info"]["description"]


def test_the_batch_is_documented_with_its_three_forms() -> None:
    content = operation(("POST", "/v1/$batch"))["requestBody"]["content"]
    forms = {name: one["value"] for told in content.values() for name, one in told["examples"].items()}
    assert set(forms) == {"json", "flat", "nested"}
    written = json_form.parse(json.dumps(forms.pop("json")).encode())
    flat, nested = (
        multipart.parse(text.encode(), "multipart/mixed; boundary=batch") for text in (forms["flat"], forms["nested"])
    )
    assert [
        (one.nested, len(one), [request.error for request in one.requests()]) for one in (written, flat, nested)
    ] == [
        (True, 3, [None] * 3),
        (False, 2, [None] * 2),
        (True, 3, [None] * 3),
    ]


def documented_routes() -> Iterator[tuple[str, str]]:
    for path, item in document()["paths"].items():
        for method in item:
            yield method.upper(), path.rstrip("/")


def test_operations_ask_for_a_token_unless_they_are_public() -> None:
    public = {o["operationId"] for i in document()["paths"].values() for o in i.values() if o.get("security") == []}
    assert public == {"login", "createAccessToken", "docs", "openapi", "retrievePublicProductBatch", "verifySerial"}
    assert document()["security"] == [{"Token": []}]
    for path, item in document()["paths"].items():
        dialect = dialects.of_path(path)
        key = "ApiKey" if dialect is coded else "AccessToken" if dialect is typed else None
        for described in item.values():
            if path.startswith("/v1/") and path != "/v1/$batch":
                assert {"QueryToken": []} in described["security"]
            elif described["operationId"] not in public and key is not None:
                assert described["security"] == [{"Token": []}, {key: []}]
    assert document()["components"]["securitySchemes"]["Token"]["name"] == "Authorization"
    assert document()["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert document()["components"]["securitySchemes"]["AccessToken"]["name"] == "x-medusa-access-token"


def test_errors_have_one_schema_a_family() -> None:
    shared = document()["components"]["responses"].values()
    schemas = [content["schema"] for one in shared for content in one.get("content", {}).values()]
    # The first family tells what is wrong with a body by its fields, and the third one says 401 in one word.
    word = {"type": "string", "const": "Unauthorized"}
    names = {one["$ref"].rpartition("/")[2] for one in schemas if one != word}
    assert names == {"Error", "FieldErrors", "CodedError", "TypedError", "ODataError"}
    for described in (operation for item in document()["paths"].values() for operation in item.values()):
        assert all(one.keys() == {"$ref"} for status, one in described["responses"].items() if status >= "400")


def test_the_names_of_errors_are_told_where_they_come() -> None:
    told = operation(("POST", PRODUCT_BATCHES))["responses"]["409"]
    assert "`BATCH_EXISTS`" in resolved(told)["description"]
    assert "BATCH_EXISTS" in document()["components"]["schemas"]["CodedError"]["properties"]["errorCode"]["enum"]


def test_no_boolean_has_one_value_alone() -> None:
    """Generated clients compare such a value with texts, and refuse every answer."""

    def constants(value: Any) -> Iterator[Any]:
        match value:
            case dict():
                yield from ([value["const"]] if "const" in value else [])
                for inner in value.values():
                    yield from constants(inner)
            case list():
                for inner in value:
                    yield from constants(inner)

    assert not [one for one in constants(document()) if isinstance(one, bool)]


def test_every_tag_is_described() -> None:
    used = {tag for item in document()["paths"].values() for operation in item.values() for tag in operation["tags"]}
    described = {tag["name"]: tag["description"] for tag in document()["tags"]}
    assert described.keys() == used
    assert all(described.values())


def test_cursors_and_dates_have_their_limits() -> None:
    longest = base64.urlsafe_b64encode(json.dumps(["1" * 14, "l" * 20, "b" * 100, "p" * 100, "gtin"]).encode()).decode()
    for route in (("GET", PRODUCT_BATCHES), ("GET", OF_COLLECTION)):
        (cursor,) = (one["schema"] for one in operation(route)["parameters"] if one["name"] == "cursor")
        assert len(longest) <= cursor["maxLength"] <= 400
        assert re.fullmatch(cursor["pattern"], longest)
    date = document()["components"]["schemas"]["ProductBatchCreate"]["properties"]["expiryDate"]
    assert "1970-01-01 to 9999-12-31" in date["anyOf"][0]["description"]
