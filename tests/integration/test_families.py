"""Each family answers in a dialect of its own, whoever refuses: a route, the resolver before it, or the fallback."""

from collections.abc import Callable
from typing import Annotated

import pytest
from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from pydantic import BaseModel

from batchyard.errors import Conflict, Unavailable
from batchyard.http import coded, typed
from batchyard.http.app import App, answer
from batchyard.http.caller import Caller
from batchyard.http.routes import Routes
from batchyard.scope import Rights
from gateway import fallback
from tests.integration.conftest import SECRET
from tests.support.api import EVERYTHING, Answer, Api, Context, caller_with
from tools import aws_events
from tools.generate.handlers import handlers

TYPED = [handler for handler in handlers() if handler.app is not None and handler.app.dialect is typed]
NOT_FOUND = {"code": 404, "errorCode": "NOT_FOUND", "message": "There is no such resource.", "details": {}}


@pytest.mark.parametrize("path", ["/admin/nothing", "/admin/collection/shoes/", "/public/collection/shoes", "/admin/"])
def test_unknown_paths_of_product_batches_are_404_in_their_dialect(path: str) -> None:
    missing = Api(None).get(path)
    assert (missing.status, missing.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "path",
    ["/admin/batch-jobs/a/b", "/admin/uploads/nothing", "/admin/products/a/b", "/admin/auth", "/admin/auth/token/x"],
)
def test_unknown_paths_of_the_catalogue_are_404_in_its_dialect(path: str) -> None:
    missing = Api(None).get(path.rstrip("/"))
    assert (missing.status, missing.json()) == (404, {"type": "not_found", "message": "Not found."})


@pytest.mark.parametrize("path", ["/", "/administration", "/api/admin/x", "/api/public/x", "/publication/x"])
def test_other_unknown_paths_are_404_in_the_dialect_of_batch_requests(path: str) -> None:
    missing = Api(None).get(path)
    assert (missing.status, missing.json()) == (404, {"detail": "Not found."})


def test_another_method_is_refused_in_the_dialect_of_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"/admin/a/{b}": {"GET": "x", "PUT": "y"}, "/admin/uploads/{b}": {"GET": "x"}, "/api/a": {"GET": "z"}}
    monkeypatch.setattr(fallback, "ROUTES", Routes(table))
    refused = Api(None).delete("/admin/a/1")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, PUT")
    assert refused.json() == {
        "code": 405,
        "errorCode": "METHOD_NOT_ALLOWED",
        "message": 'Method "DELETE" not allowed.',
        "details": {},
    }
    refused = Api(None).delete("/admin/uploads/1")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET")
    assert refused.json() == {"type": "method_not_allowed", "message": 'Method "DELETE" not allowed.'}
    refused = Api(None).delete("/api/a")
    assert (refused.status, refused.json()) == (405, {"detail": 'Method "DELETE" not allowed.'})


@pytest.mark.parametrize("path", sorted({handler.route for handler in TYPED if handler.route}), ids=" ".join)
@pytest.mark.usefixtures("stores")
def test_a_route_of_the_catalogue_takes_its_own_parameters_alone(path: tuple[str, str]) -> None:
    method, resource = path
    refused = Api()(method, f"{resource.replace('{id}', 'x')}?foo=1&limit[]=1")
    assert refused.status == 400
    assert refused.json() == {
        "type": "invalid_data",
        "message": "property foo should not exist, property limit[] should not exist",
    }


class Lot(BaseModel):
    """A body."""

    id: str
    quantity: int = 0


app = App(coded, Rights(collection="collectionId"))


@app.put("/admin/collection/<collectionId>/lot")
def put(collectionId: Annotated[str, Path()], body: Annotated[Lot, Body()]) -> Response[str]:
    """Refuses what it is told to."""
    match body.id:
        case "taken":
            raise Conflict(code="LOT_TAKEN", details={"id": body.id})
        case "later":
            raise Unavailable
        case "defect":
            raise RuntimeError(SECRET)
    return answer("{}")


def send(text: str | None, asking: Caller | None = EVERYTHING, media_type: str = "application/json") -> Answer:
    """What the app answers, as a client gets it."""
    path = "/admin/collection/shoes/lot"
    sent = {"Content-Type": media_type}
    resource = "/admin/collection/{collectionId}/lot"
    event = aws_events.request("PUT", resource, path, headers=sent, body=text, caller=asking)
    if asking is None:
        event["requestContext"]["authorizer"] = {"principalId": "nobody"}
    result = app.lambda_handler(event, Context())
    headers = {name: ", ".join(values) for name, values in result["multiValueHeaders"].items()}
    return Answer(result["statusCode"], headers, result["body"])


SOME = caller_with("anna", "tok_some", writes=True, collections=frozenset({"hats"}))
EVERY = caller_with("anna", "tok_every", writes=True, collections=None)


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize(
    ("text", "asking", "status", "code", "details", "headers"),
    [
        ('{"id":"x"}', None, 401, "UNAUTHORIZED", {}, {"WWW-Authenticate": "Bearer"}),
        ("{", EVERY, 400, "MALFORMED_REQUEST", {}, {}),
        ("[]", EVERY, 400, "MALFORMED_REQUEST", {}, {}),
        ("null", EVERY, 400, "MALFORMED_REQUEST", {}, {}),
        (None, EVERY, 400, "VALIDATION_ERROR", {"fields": {"id": ["Field required"]}}, {}),
        ('{"id":"x"}', SOME, 403, "FORBIDDEN", {}, {}),
        ('{"id":"taken"}', EVERY, 409, "LOT_TAKEN", {"id": "taken"}, {}),
        ('{"id":"later"}', EVERY, 503, "SERVICE_UNAVAILABLE", {}, {"Retry-After": "1"}),
        ('{"id":"defect"}', EVERY, 500, "INTERNAL_ERROR", {}, {}),
    ],
)
def test_a_route_of_product_batches_refuses_in_their_dialect(
    text: str | None, asking: Caller | None, status: int, code: str, details: object, headers: dict[str, str]
) -> None:
    refused = send(text, asking)
    body = refused.json()
    assert (refused.status, body["code"], body["errorCode"], body["details"]) == (status, status, code, details)
    assert body.keys() == {"code", "errorCode", "message", "details"}
    assert body["message"].endswith(".") or "JSON parse error" in body["message"]
    assert SECRET not in refused.text
    assert headers.items() <= refused.headers.items()
    assert refused.headers["Content-Type"] == "application/json"


@pytest.mark.usefixtures("stores")
def test_product_batches_refuse_media_types_and_request_limits_in_their_dialect(at: Callable[[float], None]) -> None:
    at(50)
    refused = send("id=x", EVERY, "text/plain")
    assert (refused.status, refused.json()["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    once = caller_with("anna", "tok_once", writes=True, requests_per_minute=1, collections=None)
    assert send('{"id":"x"}', once).status == 200
    refused = send('{"id":"x"}', once)
    assert (refused.status, refused.json()["errorCode"]) == (429, "TOO_MANY_REQUESTS")
    assert refused.headers["Retry-After"] == "10"
