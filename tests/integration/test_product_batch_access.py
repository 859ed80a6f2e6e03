"""Who may do what with product batches: keys and their ways to be sent, scopes, and what is for everybody."""

from collections.abc import Mapping
from typing import Any

import pytest

from batchyard.http.caller import Caller
from batchyard.identity import operations
from batchyard.scope import Scope
from identity import key_authorizer
from tests.integration.conftest import SECRET, Calls
from tests.support.api import EVERYTHING, Answer, Api, Context, caller_with, invoke
from tests.support.lots import BATCHES, COLLECTION, LOT, PUBLIC, change, codes, make, refusal
from tools import aws_events
from tools.template import routes

UNAUTHORIZED = refusal(401, "UNAUTHORIZED", "A valid API key is required.")
FORBIDDEN = refusal(403, "FORBIDDEN", "The API key does not permit this.")
ADMIN = sorted(
    {(route.method, route.path) for route in routes() if route.handler.startswith("product_batches.")}
    - {(route.method, route.path) for route in routes() if route.path.startswith("/public/")}
)
READS = [(method, path) for method, path in ADMIN if method == "GET"]
HEADS = [(method, path) for method, path in ADMIN if method == "HEAD"]
WRITES = [(method, path) for method, path in ADMIN if method not in {"GET", "HEAD"}]

READER = caller_with("dora", "tok_reader", collections=None)
OF_WINES = caller_with("berta", "tok_wines", writes=True, collections=frozenset({"wines"}))
OF_OILS = caller_with(
    "berta", "tok_oils", admin=True, writes=True, channels=None, collections=frozenset({"oils", "wine"})
)


def send(caller: Caller | None, method: str, path: str) -> Answer:
    """A request that any route takes, if the caller may send it."""
    bodies: Mapping[str, Any] = {
        "POST /batch": {"id": "L1"},
        "PATCH /{codeId}": {"status": "stolen"},
        "POST /serialChange": {"status": "stolen", "ranges": [{"startIndex": 0, "count": 1}]},
    }
    values = {"collectionId": "wines", "productId": "barolo", "batchId": "L1", "codeId": "0" * 11}
    url = path
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        url = url.replace(f"{{{name}}}", values.get(name, "0660dd27c3cf43a2d35d0d"))
    body = bodies.get(f"{method} /{path.rpartition('/')[2]}", None if method in {"GET", "HEAD", "DELETE"} else {})
    return Api(caller)(method, url, body)


def test_reading_and_writing_routes_of_lots_are_asked() -> None:
    assert {method for method, _ in WRITES} == {"POST", "PUT", "PATCH", "DELETE"}
    assert len(READS) == len(HEADS) >= 9


@pytest.mark.usefixtures("stores")
def test_without_a_key_no_route_does_anything(calls: Calls) -> None:
    for method, path in READS + WRITES:
        refused = send(None, method, path)
        assert (refused.status, refused.json()) == (401, UNAUTHORIZED), path
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert {send(None, method, path).status for method, path in HEADS} == {401}
    assert calls == []


def test_a_key_for_another_collection_is_403(api: Api, calls: Calls) -> None:
    made = make(api, quantity=3)
    calls.clear()
    for method, path in READS + WRITES:
        refused = send(OF_OILS, method, path)
        assert (refused.status, refused.json()) == (403, FORBIDDEN), path
    assert {send(OF_OILS, method, path).status for method, path in HEADS} == {403}
    assert (calls, calls.leases > 0) == ([], True), "its requests are counted, and nothing else"
    assert api.get(LOT).json() == made


def test_a_key_that_only_reads_changes_nothing(api: Api) -> None:
    made = make(api, quantity=3)
    for method, path in WRITES:
        refused = send(READER, method, path)
        assert (refused.status, refused.json()) == (403, FORBIDDEN), path
    assert api.get(LOT).json() == made
    for url in (LOT, BATCHES, f"{COLLECTION}/batch", f"{COLLECTION}/batch/L1", f"{LOT}/getSN", f"{LOT}/serialChange"):
        assert Api(READER).get(url).status == 200


def test_a_key_for_the_collection_is_enough(api: Api) -> None:
    worker = Api(OF_WINES)
    make(worker, quantity=3)
    change(worker, "stolen", (0, 1))
    assert worker.get(f"{COLLECTION}/lookupSN/{codes(worker)[0]}").json()["status"] == "stolen"
    assert worker.delete(f"{LOT}?force=true").status == 200


def test_public_routes_of_lots_take_no_key(api: Api) -> None:
    make(api, quantity=1)
    [code] = codes(api)
    for caller in (None, READER, OF_OILS, EVERYTHING):
        for url in (f"{PUBLIC}/product/barolo/batch/L1", f"{PUBLIC}/verifySN/{code}"):
            assert Api(caller).get(url).status == 200


# From the key in a header to the answer.


def ask(headers: Mapping[str, str], method: str = "GET", url: str = f"{COLLECTION}/batch", body: Any = None) -> Answer:
    """The answer to a request with these headers, by way of the authorizer."""
    event, handler = Api(None).event(method, url, body, headers=headers)
    policy = key_authorizer.handler(aws_events.authorization(event), Context())
    context = {**policy["context"], "principalId": policy["principalId"], "integrationLatency": 41}
    return invoke(handler, {**event, "requestContext": {**event["requestContext"], "authorizer": context}})


@pytest.fixture
def key(stores: dict[str, str]) -> str:
    """A key for one collection."""
    operations.create_user("anna", f"{SECRET} pässwörd", Scope())
    return operations.create_token("anna", Scope(collections=frozenset({"wines"})))


def test_a_key_is_sent_in_several_ways(key: str) -> None:
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer {key}"},
        {"Authorization": f"Token {key}"},
        {"authorization": f"Bearer {key}"},
        {"X-API-Key": key},
        {"x-api-key": key},
    ):
        answer = ask(headers)
        assert (answer.status, answer.text) == (200, "[]"), headers.keys()


def test_invalid_keys_are_401(key: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer by_no-such-key"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {key}"},
        {"X-API-Key": "by_no-such-key"},
        {"X-API-Key": ""},
        {"X-API-Key": key[:-1]},
    ):
        answer = ask(headers)
        assert (answer.status, answer.json()) == (401, UNAUTHORIZED), headers.keys()


def test_the_scope_of_a_key_is_kept_on_the_way(key: str, stores: dict[str, str]) -> None:
    header = {"X-API-Key": key}
    assert ask(header, "POST", BATCHES, {"id": "L1"}).status == 200
    assert ask(header, url="/admin/collection/oils/batch").json() == FORBIDDEN
    reading = {"X-API-Key": operations.create_token("anna", Scope(writes=False, collections=frozenset({"wines"})))}
    assert ask(reading, url=LOT).status == 200
    assert ask(reading, "POST", BATCHES, {"id": "L2"}).json() == FORBIDDEN
    everywhere = {"X-API-Key": operations.create_token("anna", Scope())}
    assert ask(everywhere, url="/admin/collection/oils/batch").status == 200
    few = {"X-API-Key": operations.create_token("anna", Scope(requests_per_minute=2))}
    assert [ask(few).status for _ in range(3)] == [200, 200, 429]


def test_serial_changes_tell_the_user_of_the_key(key: str) -> None:
    header = {"X-API-Key": key}
    ask(header, "POST", BATCHES, {"id": "L1", "quantity": 3})
    body = {"status": "stolen", "ranges": [{"startIndex": 0, "count": 1}]}
    changed = ask(header, "POST", f"{LOT}/serialChange", body).json()
    assert changed["by"] == "anna"
    assert ask(header, "POST", f"{LOT}/serialChange/{changed['id']}/undo").json()["undoneBy"] == "anna"
