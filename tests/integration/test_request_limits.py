"""Requests beyond a token's limit are refused before anything is done."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from batchyard.http import limits
from tests.integration.conftest import Calls
from tests.support.api import Api, batches, invoke, narrowed
from tools.generate.handlers import Handler, handlers
from tools.samples import SAMPLES

LIMITED = narrowed("tok_limited", requests_per_minute=4)


def test_a_request_beyond_the_limit_is_refused_and_does_nothing(
    api: Api, channel: int, at: Callable[[float], None]
) -> None:
    at(13.2)
    client = Api(LIMITED)
    for _ in range(4):
        assert client.post(batches(channel), {"channel": channel}).status == 201
    for answer in (client.post(batches(channel), {"channel": channel}), client.get(batches(channel))):
        assert answer.status == 429
        assert answer.json() == {"detail": "Request was throttled. Expected available in 47 seconds."}
        assert answer.headers["Retry-After"] == "47"
    assert api.get(batches(channel)).json()["count"] == 4
    at(13.2 + 47)
    assert client.get(batches(channel)).status == 200


def test_the_limit_spans_all_functions_and_all_environments(
    api: Api, channel: int, at: Callable[[float], None]
) -> None:
    at(0)
    client, pk = Api(LIMITED), api.open_batch(channel)["pk"]
    statuses = []
    for request in (
        lambda: client.get("/api/v1/channels/"),
        lambda: client.get(batches(channel)),
        lambda: client.patch(batches(channel, pk), {"status": "bogus"}),
        lambda: client.get(batches(channel, pk + 1)),
        lambda: client.delete(batches(channel, pk)),
    ):
        limits.reset()
        statuses.append(request().status)
    assert statuses == [200, 200, 400, 404, 429]
    assert api.get(batches(channel, pk)).status == 200


def _limited_routes() -> list[Handler]:
    return [one for one in handlers() if one.route is not None and one.app is not None and not one.app.public]


@pytest.mark.parametrize("handler", _limited_routes(), ids=lambda handler: handler.name)
def test_every_route_that_asks_for_a_token_counts_by_itself(
    api: Api, handler: Handler, at: Callable[[float], None]
) -> None:
    at(0)
    client = Api(narrowed("tok_once", requests_per_minute=1))
    assert client.get("/api/v1/channels/").status == 200
    limits.reset()
    event = deepcopy(SAMPLES[handler.module.__name__.replace(".", "/")].event)
    assert client.caller is not None
    event["requestContext"]["authorizer"] = {**client.caller.to_context(), "principalId": client.caller.user}
    assert invoke(f"{handler.module.__name__}.handler", event).status == 429


def test_tokens_have_limits_of_their_own(api: Api, channel: int, at: Callable[[float], None]) -> None:
    at(0)
    other = Api(narrowed("tok_other", requests_per_minute=2))
    client = Api(LIMITED)
    assert [client.get(batches(channel)).status for _ in range(5)] == [200] * 4 + [429]
    assert [other.get(batches(channel)).status for _ in range(3)] == [200, 200, 429]


def test_a_token_without_a_request_limit_has_that_of_the_service(
    api: Api, channel: int, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(0)
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "3")
    client = Api(narrowed("tok_plain"))
    assert [client.get(batches(channel)).status for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.delenv("REQUESTS_PER_MINUTE")
    assert limits.default_limit() == 2000


def test_a_request_costs_a_store_call_of_its_own_once_in_fifty(
    api: Api, channel: int, calls: Calls, at: Callable[[float], None]
) -> None:
    at(0)
    pk = api.open_batch(channel)["pk"]
    limits.reset()
    calls.clear()
    for _ in range(50):
        api.get(batches(channel, pk))
    assert calls.leases == 1
    assert calls == ["dynamodb.GetItem"] * 50


def test_a_request_without_a_token_is_not_counted(api: Api, channel: int, calls: Calls) -> None:
    calls.clear()
    assert Api(None).get(batches(channel)).status == 401
    assert calls == []
