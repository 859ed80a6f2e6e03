"""The document of the whole API must be one document: valid, complete and stable."""

from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, Field, create_model

from tools.generate import Unfit, openapi
from tools.generate.handlers import handlers

OF_TAGS = openapi.Described({}, {}, {"Things": "Any of them", "Others": "All others"})
DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}}


class Change(BaseModel):
    size: Annotated[int, Field(le=2**63 - 1)] = 0


class PublicResolver(APIGatewayRestResolver):
    public = True


def function(
    method: str = "GET",
    path: str = "/api/v1/things",
    *,
    operation_id: str = "listThings",
    summary: str | None = "Things",
    tags: Sequence[str] = ("Things",),
    model: type[BaseModel] = Change,
    resolver: type[APIGatewayRestResolver] = APIGatewayRestResolver,
) -> APIGatewayRestResolver:
    """A function with one route, as a module's `app`."""
    app = resolver(enable_validation=True)
    responses: dict[int, Any] = {
        204: {"description": "No Content"},
        200: {"description": "OK", "content": {"application/json": {"model": model}}},
        404: {"description": "Not Found", "content": {"application/json": {"schema": DETAIL}}},
    }
    described: dict[str, Any] = {"operation_id": operation_id, "summary": summary, "tags": list(tags)}
    route = app.route(path, method, responses=responses, **described)
    if method in {"PUT", "PATCH"}:

        @route
        def change(body: Annotated[Change, Body()]) -> Response[str]:
            return Response(200)

    else:

        @route
        def read(q: Annotated[str | None, Query()] = None) -> Response[str]:
            return Response(200)

    return app


def merged(functions: Sequence[APIGatewayRestResolver]) -> dict[str, Any]:
    return openapi.merged(functions, OF_TAGS)


def test_functions_of_one_path_become_one_path_in_a_stable_order() -> None:
    patch = function("PATCH", operation_id="changeThing")
    other = function(path="/api/v1/others", operation_id="listOthers", tags=["Others"])
    document = merged([patch, function(), other])
    assert list(document["paths"]) == ["/api/v1/others/", "/api/v1/things/"]
    assert list(document["paths"]["/api/v1/things/"]) == ["get", "patch"]
    assert document["tags"] == [
        {"name": "Others", "description": "All others"},
        {"name": "Things", "description": "Any of them"},
    ]
    assert openapi.as_text(document) == openapi.as_text(merged([other, function(), patch]))
    OpenAPIV31SpecValidator(document).validate()


def test_paths_outside_of_the_rest_framework_family_keep_their_end() -> None:
    assert list(merged([function(path="/docs")])["paths"]) == ["/docs"]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (function(operation_id="other"), "two functions answer GET /api/v1/things"),
        (function(path="/api/v1/others"), "has the operation id of"),
        (
            function("POST", operation_id="b", model=create_model("Change", weight=(int, ...))),
            "different things by the schema",
        ),
        (function("PUT", operation_id="b", summary=None), "PUT /api/v1/things/ has no summary"),
    ],
)
def test_functions_that_do_not_make_one_document_are_told(second: APIGatewayRestResolver, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        merged([function(), second])


def test_an_operation_without_a_tag_is_told() -> None:
    with pytest.raises(Unfit, match="GET /x has no tags"):
        merged([function(path="/x", tags=[])])


def test_a_tag_without_a_description_is_told() -> None:
    with pytest.raises(Unfit, match="nothing of the tag Unheard"):
        merged([function(path="/x", tags=["Unheard"])])


def test_a_schema_described_twice_is_told() -> None:
    with pytest.raises(Unfit, match="described twice: Change"):
        openapi.merged([function()], OF_TAGS._replace(schemas={"Change": {}}))


def test_only_answers_of_a_route_are_documented() -> None:
    document = merged([function("PATCH")])
    operation = document["paths"]["/api/v1/things/"]["patch"]
    assert operation["responses"] == {
        "200": {
            "description": "OK",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}},
        },
        "204": {"description": "No Content"},
        "404": {"$ref": "#/components/responses/NotFound"},
    }
    [content] = document["components"]["responses"]["NotFound"]["content"].values()
    assert content["schema"] == {"$ref": "#/components/schemas/Error"}
    assert document["components"]["schemas"]["Error"] == DETAIL
    assert list(document["components"]["schemas"]) == ["Change", "Error"]


def test_bounds_in_schemas_are_exact_and_update_schemas_have_no_defaults() -> None:
    schema = merged([function("PATCH")])["components"]["schemas"]["Change"]["properties"]["size"]
    assert schema["maximum"] == 2**63 - 1
    assert isinstance(schema["maximum"], int)
    assert "default" not in schema
    assert merged([function()])["components"]["schemas"]["Change"]["properties"]["size"]["default"] == 0


def test_a_parameter_is_never_null() -> None:
    parameter, _ = merged([function()])["paths"]["/api/v1/things/"]["get"]["parameters"]
    assert parameter["schema"]["type"] == "string"
    assert "anyOf" not in parameter["schema"]


def test_operations_ask_for_a_token_except_public_operations() -> None:
    document = merged([function(), function(path="/docs", operation_id="docs", resolver=PublicResolver)])
    assert document["security"] == [{"Token": []}]
    assert document["components"]["securitySchemes"]["Token"]["in"] == "header"
    assert "security" not in document["paths"]["/api/v1/things/"]["get"]
    assert document["paths"]["/docs"]["get"]["security"] == []


def test_the_document_of_the_functions_is_valid_and_has_every_route() -> None:
    resolvers = [handler.app for handler in handlers() if handler.app is not None]
    document = merged(resolvers)
    OpenAPIV31SpecValidator(document).validate()
    routes = [route for app in resolvers for route in app._static_routes + app._dynamic_routes]
    operations = [method for item in document["paths"].values() for method in item]
    assert len(operations) == sum(route.include_in_schema for route in routes) > 0
