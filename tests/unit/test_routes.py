"""Which function serves which path, where something else than API Gateway has to know it."""

import pytest

from batchyard.errors import MethodNotAllowed, NotFound
from batchyard.http.routes import Routes
from gateway.routes import ROUTES
from tools.aws_events import path_parameters
from tools.template import routes as of_template

TABLE_OF_THINGS = {
    "/things": {"GET": "things.list", "POST": "things.create"},
    "/things/{id}": {"GET": "things.retrieve"},
    "/things/{id}/parts/{part}": {"DELETE": "parts.delete"},
    "/things/special": {"PUT": "things.special"},
    "/files/{path+}": {"GET": "files.read"},
    "/a.b/{x}": {"GET": "dots.read"},
}
THINGS = Routes(TABLE_OF_THINGS)


@pytest.mark.parametrize(
    ("method", "path", "module", "parameters"),
    [
        ("GET", "/things", "things.list", {}),
        ("POST", "/things/", "things.create", {}),
        ("GET", "/things/5", "things.retrieve", {"id": "5"}),
        ("GET", "/things/5//", "things.retrieve", {"id": "5"}),
        ("GET", "/things/a%20b%2Fc", "things.retrieve", {"id": "a b/c"}),
        ("GET", "/things/Gr%C3%B6%C3%9Fe", "things.retrieve", {"id": "Größe"}),
        ("GET", "/things/Größe (1)", "things.retrieve", {"id": "Größe (1)"}),
        ("DELETE", "/things/5/parts/6/", "parts.delete", {"id": "5", "part": "6"}),
        ("PUT", "/things/special", "things.special", {}),
        ("GET", "/things/special", "things.retrieve", {"id": "special"}),
        ("GET", "/files/a/b/c.txt", "files.read", {"path": "a/b/c.txt"}),
    ],
)
def test_a_path_is_routed_to_its_module(method: str, path: str, module: str, parameters: dict[str, str]) -> None:
    route = THINGS.find(method, path)
    assert (route.module, route.parameters) == (module, parameters)
    assert TABLE_OF_THINGS[route.resource][method] == module


@pytest.mark.parametrize(
    "path",
    ["/", "", "/thing", "/Things", "/things/5/parts", "/things//5", "/things/5/6", "/files", "/acb/1", "x/things"],
)
def test_unknown_paths_have_no_route(path: str) -> None:
    with pytest.raises(NotFound):
        THINGS.find("GET", path)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/things", ["GET", "POST"]), ("/things/5", ["GET"]), ("/things/special", ["GET", "PUT"]), ("/files/x", ["GET"])],
)
def test_a_method_without_a_route_tells_the_allowed_methods(path: str, allowed: list[str]) -> None:
    with pytest.raises(MethodNotAllowed) as refusal:
        THINGS.find("TRACE", path)
    assert refusal.value.allowed == allowed


def test_each_route_of_the_template_is_found_with_its_own_parameters() -> None:
    # Behind paths with any method somebody else decides.
    served = [route for route in of_template() if route.method != "ANY" and route.handler != "gateway.fallback.handler"]
    assert served
    for route in served:
        path = route.path.replace("{channel_id}", "5").replace("{id}", "7")
        found = ROUTES.find(route.method, path)
        assert f"{found.module}.handler" == route.handler
        assert found.resource == route.path
        assert found.parameters == path_parameters(route.path, path)
