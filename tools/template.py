"""template.yaml as data, with CloudFormation's short intrinsic functions as plain mappings."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools import aws_events

ROOT = Path(__file__).resolve().parents[1]


class _Loader(yaml.SafeLoader):
    pass


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {suffix: value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template() -> dict[str, Any]:
    """The template."""
    document: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)
    return document


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a type, by their logical IDs."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


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
    found = [
        Route(event["Properties"]["Method"].upper(), event["Properties"]["Path"], properties["Handler"])
        for properties in resources("AWS::Serverless::Function").values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    ]
    return sorted(
        found, key=lambda route: ("+}" in route.path, route.path.count("{"), route.path, route.method == "ANY")
    )


def route_of(method: str, path: str) -> Route:
    """The route that API Gateway takes for a request; a path that none takes is a mistake of who asks for it."""
    for route in routes():
        if route.takes(method, path):
            return route
    raise AssertionError(f"no route takes {method} {path}")
