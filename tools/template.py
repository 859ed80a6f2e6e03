"""template.yaml as data, with CloudFormation's short intrinsic functions as plain mappings."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools import aws_events
from tools.generate import ROOT
from tools.generate.cloudformation import parsed

_ANY = "x-amazon-apigateway-any-method"


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """A method of a path of the API.

    Args:
        method: Its name, or `ANY`.
        path: The path, parameters in braces.
        function: The logical ID of the function that is called.
        authorizer: The authorizer that stands before it; `NONE` for none.
    """

    method: str
    path: str
    function: str
    authorizer: str


@cache
def template() -> dict[str, Any]:
    """The template."""
    return dict(parsed((ROOT / "template.yaml").read_text()))


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a type, by their logical IDs."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


@cache
def binary_media_types() -> frozenset[str]:
    """The media types of requests whose bodies come to functions in base64."""
    (api,) = resources("AWS::Serverless::Api").values()
    return frozenset(name.replace("~1", "/") for name in api.get("BinaryMediaTypes", []))


@cache
def api_methods() -> tuple[ApiMethod, ...]:
    """What the API serves and refuses: the events of functions, and the document that they are merged with."""
    (api,) = resources("AWS::Serverless::Api").values()
    events = [
        ApiMethod(
            event["Properties"]["Method"],
            event["Properties"]["Path"],
            function,
            event["Properties"].get("Auth", {}).get("Authorizer", api["Auth"]["DefaultAuthorizer"]),
        )
        for function, properties in resources("AWS::Serverless::Function").items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    ]
    return (*events, *(_described(*one) for one in _operations(api["DefinitionBody"])))


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()]


def _described(path: str, method: str, operation: dict[str, Any]) -> ApiMethod:
    [[authorizer]] = operation["security"]
    integration = operation["x-amazon-apigateway-integration"]
    assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
    called = re.fullmatch(
        r"arn:\$\{AWS::Partition\}:apigateway:\$\{AWS::Region\}:lambda:path/2015-03-31/functions/"
        r"\$\{(\w+)\.Arn\}/invocations",
        integration["uri"]["Sub"],
    )
    assert called is not None
    return ApiMethod("ANY" if method == _ANY else method.upper(), path, called[1], authorizer)


@dataclass(frozen=True)
class Route:
    """A function behind API Gateway.

    Args:
        method: The HTTP method, or `ANY`.
        path: As the template has it, with parameters in braces.
        handler: What Lambda calls.
    """

    method: str
    path: str
    handler: str

    def takes(self, method: str, path: str) -> bool:
        """Whether API Gateway would give it this request, were it the only route."""
        return self.method in (method, "ANY") and aws_events.path_parameters(self.path, path) is not None


@cache
def routes() -> list[Route]:
    """The template's routes, greedy ones last."""
    functions = resources("AWS::Serverless::Function")
    found = [Route(one.method, one.path, functions[one.function]["Handler"]) for one in api_methods()]
    return sorted(
        found, key=lambda route: ("+}" in route.path, route.path.count("{"), route.path, route.method == "ANY")
    )


def route_of(method: str, path: str) -> Route:
    """The route that API Gateway takes for a request; a path that none takes is a mistake of who asks for it."""
    for route in routes():
        if route.takes(method, path):
            return route
    raise AssertionError(f"no route takes {method} {path}")
