"""Requests that no document describes, but clients and attackers send: the contract's error, nothing changed."""

import json
from typing import Any

import pytest

from tests.contract.gateway import LARGEST_EVENT, LARGEST_REQUEST, LONGEST_ARN
from tests.contract.service import GATEWAY, Service
from tests.support.api import Api, batches, caller_with, invoke
from tools.aws_events import STAGE_ARN

JSON = ("Content-Type", "application/json")


def send(service: Service, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Any:
    return GATEWAY.request(method, target, [("Authorization", f"Token {service.key}"), *headers], body)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"status": "\ud800"}, {"status": ["Not a valid string."]}),
        ({"remote_batch_id": "\ud800"}, {"remote_batch_id": ["Not a valid string."]}),
        ({"log_file": "\ud800"}, {"log_file": ["Not a valid string."]}),
        ({"objects": [{"pk": 1, "remote_id": "\udfff"}]}, {"objects": {"0": {"remote_id": ["Not a valid string."]}}}),
        ({"remote_batch_id": "\0"}, {"remote_batch_id": ["Null characters are not allowed."]}),
    ],
)
def test_lone_surrogates_and_other_invalid_text_are_refused(
    service: Service, body: dict[str, Any], fields: dict[str, Any]
) -> None:
    pk = service.new_batch()
    answer = service.ask("PATCH", batches(service.channel, pk), body)
    assert (answer.status, answer.json()) == (400, fields)
    assert service.ask("GET", batches(service.channel, pk)).headers["etag"] == '"1"'


def test_ignored_fields_may_hold_anything(service: Service) -> None:
    body = {"\ud800": "\ud800", "pk": "\udfff", "created_date": [{}]}
    answer = service.ask("PATCH", batches(service.channel, service.new_batch()), body)
    assert answer.status == 200


@pytest.mark.parametrize("depth", [10, 1_000, 3_000, 5_000, 7_000, 9_000, 20_000, 1_000_000])
@pytest.mark.parametrize("field", ["status", "objects", "channel", "ignored"])
def test_deep_nesting_is_refused_or_ignored(service: Service, field: str, depth: int) -> None:
    target = batches(service.channel, service.new_batch())
    answer = send(service, "PATCH", target, JSON, body=f'{{"{field}":{"[" * depth}{"]" * depth}}}'.encode())
    assert answer.status in ({200, 400} if field == "ignored" else {400})


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"   ", b"{}{}", b'{"channel":NaN}', b'{"channel":' + b"9" * 5000],
)
def test_broken_json_is_told(service: Service, body: bytes) -> None:
    answer = send(service, "POST", batches(service.channel), JSON, body=body)
    assert answer.status == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")


def test_a_number_of_too_many_digits_is_told_without_advice_for_programmers(service: Service) -> None:
    body = b'{"channel":' + b"9" * 5000 + b"}"
    answer = send(service, "POST", batches(service.channel), JSON, body=body)
    assert (answer.status, answer.json()["detail"].partition(":")[0]) == (
        400,
        "JSON parse error - Exceeds the limit (4300 digits) for integer string conversion",
    )
    assert "sys." not in answer.text


@pytest.mark.parametrize("media_type", ["Application/JSON", "application/json; charset=utf-8", "application/json ;a=b"])
def test_media_types_are_compared_as_they_should(service: Service, media_type: str) -> None:
    body = json.dumps({"channel": service.channel}).encode()
    answer = send(service, "POST", batches(service.channel), ("Content-Type", media_type), body=body)
    assert answer.status == 201


@pytest.mark.parametrize(
    "media_type", ["text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "/", ""]
)
@pytest.mark.parametrize("method", ["PATCH", "PUT", "GET", "DELETE"])
def test_an_absent_body_has_no_media_type(service: Service, method: str, media_type: str) -> None:
    target = batches(service.channel, service.new_batch())
    answer = send(service, method, target, ("Content-Type", media_type))
    assert answer.status == (204 if method == "DELETE" else 200)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "/"])
def test_other_media_types_are_refused_where_a_body_is_read(service: Service, media_type: str) -> None:
    sent = ("Content-Type", media_type)
    target = batches(service.channel, service.new_batch())
    refused = send(service, "PATCH", target, sent, body=b'{"status":"fail"}')
    assert (refused.status, refused.json()) == (415, {"detail": f'Unsupported media type "{media_type}" in request.'})
    assert send(service, "GET", target, sent, body=b"x").json()["status"] == "initialized"
    assert send(service, "DELETE", target, sent, body=b"x").status == 204


@pytest.mark.parametrize(
    "segment", ['"', "a b", "\\", "`", "☃", "\x7f", "#", "\u0665", "5.0", "+5", "5_0", "-5", "9" * 30, "%"]
)
def test_paths_of_other_things_than_numbers_are_not_found(service: Service, segment: str) -> None:
    # As it is: API Gateway may hand on a path with its escapes undone.
    api = Api(caller_with("tester", "tok_paths", admin=True, writes=True, channels=None))
    event, handler = api.event("GET", "/api/v1/channels/X/")
    event["path"] = event["path"].replace("X", segment)
    answer = invoke(handler, event)
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_of_a_repeated_parameter_the_last_one_counts(service: Service) -> None:
    channel = service.new_channel()
    for _ in range(3):
        service.ask("POST", batches(channel), {"channel": channel})
    listed = service.ask("GET", batches(channel) + "?page=9&page=2&limit=1&limit=2&ordering=pk&ordering=-pk")
    assert listed.status == 200
    assert [batch["pk"] for batch in listed.json()["results"]] == [
        min(b["pk"] for b in service.ask("GET", batches(channel)).json()["results"])
    ]
    assert listed.json()["previous"].endswith("?limit=1&limit=2&ordering=pk&ordering=-pk")
    assert service.ask("GET", batches(channel) + "?content_type=a&content_type=").json()["count"] == 3
    assert service.ask("GET", "/api/v1/channels/?limit=2&limit=1").json()["next"].endswith("?limit=2&limit=1&page=2")


def test_a_repeated_if_match_is_one_list(service: Service) -> None:
    target = batches(service.channel, service.new_batch())
    stale = [("If-Match", '"7"'), ("If-Match", '"8"')]
    fresh = [("If-Match", '"7"'), ("If-Match", '"1"')]
    assert send(service, "DELETE", target, *stale).status == 412
    assert send(service, "PATCH", target, *stale, JSON, body=b'{"remote_batch_id":"x"}').status == 412
    assert send(service, "PATCH", target, *fresh, JSON, body=b'{"remote_batch_id":"x"}').status == 200


def test_an_empty_idempotency_key_is_none(service: Service) -> None:
    def opened() -> int:
        answer = service.ask("POST", batches(service.channel), {"channel": service.channel}, **{"Idempotency-Key": ""})
        return int(answer.json()["pk"])

    assert opened() != opened()


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "Authentication credentials were not provided."),
        ("", "Authentication credentials were not provided."),
        ("Basic YTpi", "Authentication credentials were not provided."),
        ("Token", "Invalid token."),
        ("Token nobody", "Invalid token."),
        ("Bearer ☃", "Invalid token."),
    ],
)
def test_a_request_without_a_valid_token_is_401(service: Service, authorization: str | None, said: str) -> None:
    headers = [] if authorization is None else [("Authorization", authorization)]
    answer = GATEWAY.request("GET", batches(service.channel), headers)
    assert (answer.status, answer.json()) == (401, {"detail": said})
    assert answer.headers["www-authenticate"] == "Token"


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN  ", "Bearer", "bearer"])
def test_the_authorization_scheme_has_any_case(service: Service, scheme: str) -> None:
    headers = [("Authorization", f"{scheme} {service.key}")]
    assert GATEWAY.request("GET", batches(service.channel), headers).status == 200


def test_a_functions_own_challenge_has_another_name(service: Service) -> None:
    """API Gateway renames it in a function's answer, and leaves its own be; a REST API has no way around that.

    Routes of product batches refuse by themselves, so their clients read the status and `errorCode`.
    """
    refused = GATEWAY.request("GET", "/admin/collection/wines/product/barolo/batch/L1", [])
    assert (refused.status, refused.json()["errorCode"]) == (401, "UNAUTHORIZED")
    assert refused.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    assert "www-authenticate" not in refused.headers
    refused = GATEWAY.request("GET", batches(service.channel), [])
    assert refused.headers["www-authenticate"] == "Token"


def test_a_body_too_large_for_lambda_is_413(service: Service) -> None:
    """Quotes of a body count twice in an event, so half of what has none is too much of what has them alone."""
    pk = service.new_batch()
    for filling, size, status in ((" ", 6_000_000, 200), (" ", LARGEST_EVENT, 413), ('"', LARGEST_EVENT // 2, 413)):
        text = f'{{"remote_batch_id":"x"}}{filling * (size - 30)}'
        answer = send(service, "PATCH", batches(service.channel, pk), JSON, body=text.encode())
        assert answer.status == status
    assert answer.json()["detail"] == "Request body is too large."


def test_a_path_is_as_long_as_its_arn_may_be(service: Service) -> None:
    around = len(f"{STAGE_ARN}/GET/api/v1/channels/")
    for length, status in ((LONGEST_ARN - around, 404), (LONGEST_ARN - around + 1, 414)):
        assert send(service, "GET", f"/api/v1/channels/{'9' * length}/").status == status


def test_reserved_characters_of_a_query_have_to_be_escaped(service: Service) -> None:
    for query in ("status=a|b", "status={a}"):
        assert send(service, "GET", f"{batches(service.channel)}?{query}").status == 400
        escaped = query.replace("|", "%7C").replace("{", "%7B").replace("}", "%7D")
        answer = send(service, "GET", f"{batches(service.channel)}?{escaped}")
        assert "status" in answer.json()


def test_a_semicolon_in_a_query_ends_a_parameter(service: Service) -> None:
    channel = service.new_channel()
    for _ in range(2):
        service.ask("POST", batches(channel), {"channel": channel})
    listed = send(service, "GET", f"{batches(channel)}?limit=1;page=2")
    assert (listed.status, len(listed.json()["results"])) == (200, 1)
    assert listed.json()["next"] is None


def test_a_body_too_large_for_api_gateway_is_413(service: Service) -> None:
    answer = send(service, "POST", batches(service.channel), JSON, body=b" " * (LARGEST_REQUEST + 1))
    assert (answer.status, answer.json()["detail"]) == (413, "Request body is too large.")
