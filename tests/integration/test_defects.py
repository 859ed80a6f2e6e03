"""What is answered when something goes wrong: the family's bodies, and log lines that hold no data."""

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from batchyard.batch_requests import operations
from batchyard.errors import TooLarge
from batchyard.http import coded, dialects, drf, typed
from batchyard.store import clients
from tests.integration.conftest import SECRET
from tests.support.api import Api, batches, invoke
from tools.template import resources, routes

CANNOT = {"detail": "Batch request cannot be updated."}
UNAVAILABLE = {"detail": "Service temporarily unavailable, try again later."}
DEFECT = {"detail": "A server error occurred."}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{SECRET} of a customer"}}, "AnyOperation")


def refuse(monkeypatch: pytest.MonkeyPatch, client: Any, name: str, error: Exception) -> None:
    def call(**_: Any) -> Any:
        raise error

    monkeypatch.setattr(client, name, call)


DOWN = [
    refusal("ProvisionedThroughputExceededException"),
    refusal("ThrottlingException"),
    refusal("RequestLimitExceeded"),
    refusal("InternalServerError"),
    refusal("ServiceUnavailable"),
    EndpointConnectionError(endpoint_url=f"https://{SECRET}"),
    ConnectTimeoutError(endpoint_url=f"https://{SECRET}"),
]


@pytest.mark.parametrize(
    "error", DOWN, ids=lambda error: getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
)
def test_a_store_that_refuses_after_retries(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    client = clients.dynamodb()
    with monkeypatch.context() as broken:
        refuse(broken, client, "put_item", error)
        refuse(broken, client, "delete_item", error)
        for answer in (api.patch(url, {"status": "commit"}), api.put(url, {"status": "commit"}), api.delete(url)):
            assert (answer.status, answer.json()) == (500, CANNOT)
        opened = api.post(batches(channel), {"channel": channel})
        assert (opened.status, opened.json()) == (503, UNAVAILABLE)
    with monkeypatch.context() as broken:
        refuse(broken, client, "get_item", error)
        refuse(broken, client, "query", error)
        assert (api.patch(url, {"status": "commit"}).status, api.patch(url, {}).json()) == (500, CANNOT)
        for answer in (api.get(url), api.get(batches(channel)), api.get("/api/v1/channels/")):
            assert (answer.status, answer.json()) == (503, UNAVAILABLE)
    assert api.get(url).json()["status"] == "initialized"
    assert api.patch(url, {"status": "commit"}).status == 200


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "ServiceUnavailable", "ConditionalRequestConflict"])
def test_a_bucket_that_refuses_leaves_the_batch_request_as_it_was(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    before = api.get(url).text
    with monkeypatch.context() as broken:
        refuse(broken, clients.s3(), "put_object", refusal(code))
        answer = api.patch(url, {"status": "fail", "log_file": SECRET})
        assert (answer.status, answer.json()) == (500, CANNOT)
    assert api.get(url).text == before


def test_a_race_lost_on_every_attempt_is_500(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    monkeypatch.setattr("batchyard.store.unit.time.sleep", lambda _: None)
    with monkeypatch.context() as broken:
        refuse(broken, clients.dynamodb(), "put_item", refusal("ConditionalCheckFailedException"))
        answer = api.patch(url, {"status": "fail"})
        assert (answer.status, answer.json()) == (500, CANNOT)
    assert api.get(url).json()["status"] == "initialized"


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        RecursionError(SECRET),
        refusal("AccessDeniedException"),
        refusal("ValidationException"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_defect_is_a_500_that_tells_nothing_and_is_logged_without_data(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    caplog.clear()
    refuse(monkeypatch, clients.dynamodb(), "get_item", error)
    for answer in (api.get(url), api.patch(url, {"log_file": SECRET, "remote_batch_id": SECRET})):
        assert (answer.status, answer.json()) == (500, DEFECT)
        assert answer.headers["Content-Type"] == "application/json"
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(records) == 2
    for record in records:
        assert type(error).__name__ in record.getMessage()
        assert "operations.py" in record.getMessage()
        assert record.exc_info is None


def test_an_event_without_a_request_is_a_defect(stores: dict[str, str], channel: int) -> None:
    for event in ({}, {"httpMethod": "GET"}, {"requestContext": None, "headers": None, "path": None}):
        answer = invoke("batch_requests.retrieve.handler", event)
        assert answer.status in {401, 404, 500}
        assert list(answer.json()) == ["detail"]


def test_a_defect_outside_of_the_route_is_answered_as_well(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_PER_MINUTE", SECRET)
    answer = api.get(batches(channel))
    assert (answer.status, answer.json()) == (500, DEFECT)


def test_the_gateways_own_errors_have_the_familys_body() -> None:
    (api,) = resources("AWS::Serverless::Api").values()
    responses = api["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "ACCESS_DENIED", "MISSING_AUTHENTICATION_TOKEN"} <= set(
        responses
    )
    for kind, response in responses.items():
        assert response["ResponseTemplates"]["application/json"].startswith('{"detail":'), kind
    assert responses["MISSING_AUTHENTICATION_TOKEN"]["StatusCode"] == 404


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def served() -> dict[str, set[str]]:
    """The methods of each path of the template."""
    found: dict[str, set[str]] = {}
    for route in routes():
        if route.method != "ANY" and route.handler != "gateway.fallback.handler":
            found.setdefault(route.path, set()).add(route.method)
    for path, methods in found.items():
        if path.startswith("/public/"):
            methods.add("OPTIONS")
    return found


@pytest.mark.parametrize("path", sorted(served()))
def test_another_method_is_405_with_the_allowed_methods(stores: dict[str, str], path: str) -> None:
    if "+}" in path:
        pytest.skip("takes any path")
    url = path.replace("{channel_id}", "5").replace("{id}", "7")
    for method in METHODS:
        if method in served()[path]:
            continue
        for slash in ("", "/"):
            answer = Api(None)(method, url.rstrip("/") + slash)
            assert answer.status == 405, (method, url)
            assert set(answer.headers["Allow"].split(", ")) == served()[path]
            if method == "HEAD":
                assert answer.text == ""
                continue
            said = f'Method "{method}" not allowed.'
            bodies: dict[Any, dict[str, Any]] = {
                drf: {"detail": said},
                coded: {"code": 405, "errorCode": "METHOD_NOT_ALLOWED", "message": said, "details": {}},
                typed: {"type": "method_not_allowed", "message": said},
            }
            assert answer.json() == bodies[dialects.of_path(path)]


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/api",
        "/api/v1/",
        "/api/v1/nothing/",
        "/api/v2/channels/",
        "/api/v1/channel/5/",
        "/api/v1/channel/5/batch_requests/7/log_file/download/",
        "/api/v1/channels/5/batch_requests/",
        "/docs/openapi.json",
        "/API/V1/channels/",
    ],
)
def test_an_unknown_path_is_404_by_any_method(stores: dict[str, str], url: str) -> None:
    for method in METHODS:
        answer = Api(None)(method, url)
        assert answer.status == 404
        assert answer.text == ("" if method == "HEAD" else '{"detail":"Not found."}')


def test_nothing_deterministic_answers_5xx_where_channels_and_batch_requests_are_mixed_up(
    api: Api, channel: int
) -> None:
    for url in (batches(0), batches(channel, 0), batches(2**62), batches(channel, 2**62)):
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            assert api(method, url, {} if method in {"PATCH", "PUT"} else None).status in {404, 405}


def test_operations_raise_errors_of_the_business(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])

    def refuse(*_: Any, **__: Any) -> Any:
        raise TooLarge

    monkeypatch.setattr(operations, "retrieve", refuse)
    answer = api.get(url)
    assert (answer.status, answer.json()) == (413, {"detail": "Request was too large."})
