"""Requests are signed as botocore signs them, to the byte."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock, patch

import pytest
from botocore.auth import SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from hypothesis import example, given
from hypothesis import strategies as st

from batchyard.store import clients, signatures
from batchyard.store.signatures import Signer
from tests.support import aws

NOW = datetime(2026, 11, 26, 23, 59, 59, tzinfo=UTC)
USUAL = {
    "X-Amz-Target": "DynamoDB_20120810.GetItem",
    "Content-Type": "application/x-amz-json-1.0",
    "User-Agent": "batchyard",
}

NAMES = st.one_of(
    st.sampled_from([*USUAL, *SIGNED_HEADERS_BLACKLIST, "X-Amzn-Trace-Id", "amz-sdk-request", "HOST", "host"]),
    st.sampled_from(["Date", "X-Amz-Date", "Authorization", "X-Amz-Security-Token", "X-Amz-Content-SHA256"]),
    st.text("abcXYZ019-_", min_size=1, max_size=8),
)
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12),
    st.text("a \t,=\u00a0é€\udcff", max_size=9),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(lambda more: [*USUAL.items(), *more])
BODIES = st.one_of(st.binary(max_size=40), st.text(max_size=9).map(str.encode), st.none())
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(["dynamodb.eu-central-1.amazonaws.com", "127.0.0.1:4566", "SQS.example:443", "[::1]:8000"]),
    st.sampled_from(["/", "", "/a/../b", "/123/queue name", "/%7Ea//b"]),
    st.sampled_from(["", "?b=2&a=1&a=0", "?x"]),
)
CREDENTIALS = st.builds(
    ReadOnlyCredentials,
    st.sampled_from(["AKIDONE", "AKIDTWO"]),
    st.sampled_from(["first secret", "second/secret+€"]),
    st.sampled_from([None, "", "token==", " two  words "]),
)
CONTEXTS = st.sampled_from(
    [
        {},
        {},
        {"payload_signing_enabled": False},
        {"payload_signing_enabled": True},
        {"checksum": {"request_algorithm": {"in": "trailer"}}},
        {"checksum": {}},
    ]
)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST", "POST", "GET", "put"]),
        "url": URLS,
        "headers": HEADERS,
        "body": BODIES,
        "params": st.sampled_from([None, None, {}, {"b": "ä ", "a": 1}]),
        "context": CONTEXTS,
        "credentials": CREDENTIALS,
        "scope": st.sampled_from([("dynamodb", "eu-central-1"), ("sqs", "us-east-1"), ("dynamodb", "us-east-1")]),
        "later": st.sampled_from([0, 1, 2, 86_400, -86_400]),
    }
)
# Of most of the others, something is left to botocore.
NEARLY_PLAIN: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "method": st.just("POST"),
        "url": URLS,
        "headers": st.tuples(NAMES, VALUES).map(lambda one: [*USUAL.items(), one]),
        "body": st.binary(max_size=40),
        "params": st.none(),
        "context": st.just({}),
        "credentials": CREDENTIALS,
        "scope": st.sampled_from([("dynamodb", "eu-central-1"), ("sqs", "us-east-1")]),
        "later": st.sampled_from([0, 1, 86_400]),
    }
)
PLAIN: dict[str, Any] = {
    "method": "POST",
    "url": "https://dynamodb.eu-central-1.amazonaws.com/",
    "headers": list(USUAL.items()),
    "body": b"{}",
    "params": None,
    "context": {},
    "credentials": ReadOnlyCredentials("AKIDONE", "first secret", "token=="),
    "scope": ("dynamodb", "eu-central-1"),
    "later": 0,
}


def signed(kind: type[SigV4Auth], given: dict[str, Any], moment: datetime) -> Any:
    """All of a request that is sent, and what is kept of the signing: or what it was refused with."""
    request = AWSRequest(given["method"], given["url"], None, given["body"], given["params"])
    for name, value in given["headers"]:
        request.headers[name] = value
    request.context = dict(given["context"])
    with (
        patch("botocore.auth.get_current_datetime", lambda: moment),
        patch("batchyard.store.signatures.get_current_datetime", lambda: moment),
    ):
        try:
            kind(given["credentials"], *given["scope"]).add_auth(request)
        except Exception as error:
            return type(error), str(error)
    return list(request.headers.raw_items()), request.context


@given(st.lists(st.one_of(REQUESTS, NEARLY_PLAIN), min_size=1, max_size=4))
@example([PLAIN, {**PLAIN, "later": 1}, {**PLAIN, "later": -1, "credentials": ReadOnlyCredentials("AKID", "s", None)}])
@example([{**PLAIN, "headers": [*USUAL.items(), ("x-amz-target", "twice")]}])
@example([{**PLAIN, "headers": [*USUAL.items(), ("x-name", "no \udcff text")]}])
def test_requests_are_signed_as_botocore_signs_them(requests: list[dict[str, Any]]) -> None:
    moment = NOW
    for one in requests:
        moment += timedelta(seconds=one["later"])
        assert signed(Signer, one, moment) == signed(SigV4Auth, one, moment)


def test_a_plain_request_is_signed_by_us() -> None:
    with patch.object(SigV4Auth, "add_auth", side_effect=AssertionError("botocore's own was asked")):
        headers, context = signed(Signer, PLAIN, NOW)
    assert context["timestamp"] == "20261126T235959Z"
    assert dict(headers)["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDONE/20261126/eu-central-1/")


@pytest.mark.parametrize(
    "name", ["Authorization", "Date", "Host", "X-Amz-Content-SHA256", "X-Amz-Date", "X-Amz-Security-Token"]
)
def test_headers_of_the_signature_may_be_there_already(name: str) -> None:
    for one in (name, name.lower()):
        request = {**PLAIN, "headers": [*USUAL.items(), (one, "Thu, 26 Nov 2026 23:59:59 GMT")]}
        assert signed(Signer, request, NOW) == signed(SigV4Auth, request, NOW)


@pytest.mark.parametrize("body", [b"", None, io.BytesIO(b"read at once"), {"Action": "a b"}])
def test_a_body_of_another_kind_is_signed_as_botocore_signs_it(body: Any) -> None:
    assert signed(Signer, {**PLAIN, "body": body}, NOW) == signed(SigV4Auth, {**PLAIN, "body": body}, NOW)


def test_many_addresses_are_signed_as_botocore_signs_them() -> None:
    for number in range(3 * signatures._MOST_TARGETS):
        one = {**PLAIN, "url": f"https://queue-{number % 100}.example/"}
        assert signed(Signer, one, NOW) == signed(SigV4Auth, one, NOW)
    assert len(signatures._targets) <= signatures._MOST_TARGETS


def test_without_credentials_nothing_is_signed() -> None:
    request = AWSRequest("POST", PLAIN["url"], dict(USUAL), b"{}")
    with pytest.raises(NoCredentialsError):
        Signer(None, "dynamodb", "eu-central-1").add_auth(request)  # type: ignore[arg-type]


@pytest.fixture
def own_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {**aws.CREDENTIALS, "AWS_SESSION_TOKEN": "token"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients.reset()
    yield
    clients.reset()


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "table", "Key": {"id": {"S": "a"}}}),
    "events": ("put_events", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}),
    "secretsmanager": ("get_secret_value", {"SecretId": "a"}),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/queue", "MessageBody": "a"}),
}


@pytest.mark.usefixtures("own_clients")
@pytest.mark.parametrize("service", CALLS)
def test_each_client_signs_so_and_what_it_sends_is_what_botocore_would(service: str) -> None:
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        raw: Any = Mock(stream=lambda: iter([b"{}"]))
        headers: Any = {}
        return AWSResponse(request.url, 200, headers, raw)

    client = getattr(clients, service)()
    client.meta.events.register_first("before-send", answer)
    method, given = CALLS[service]
    with patch.object(SigV4Auth, "add_auth", side_effect=AssertionError("botocore's own was asked")):
        getattr(client, method)(**given)
    [request] = sent
    headers = {name: _text(value) for name, value in request.headers.items()}
    moment = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    assert headers.keys() <= SETS | {"Content-Type", "User-Agent", "X-Amz-Target", "x-amzn-query-mode"}
    unsigned = [(name, value) for name, value in headers.items() if name not in SETS]
    one = {**PLAIN, "url": request.url, "body": request.body, "headers": unsigned}
    one |= {"credentials": client._request_signer._credentials, "scope": (service, "eu-central-1")}
    [theirs, _] = signed(SigV4Auth, one, moment)
    assert headers["Authorization"] == dict(theirs)["Authorization"]


@pytest.mark.usefixtures("own_clients")
def test_a_retry_is_signed_anew_also_where_credentials_were_renewed_meanwhile() -> None:
    sent: list[tuple[str, str, str]] = []
    statuses = iter([500, 500, 200])
    renewed = iter(ReadOnlyCredentials(f"AKID{number}", f"secret {number}", f"token {number}") for number in range(3))
    moments = iter(NOW + timedelta(seconds=number) for number in range(3))

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items()}
        sent.append((headers["Authorization"], headers["X-Amz-Security-Token"], headers["X-Amz-Date"]))
        raw: Any = Mock(stream=lambda: iter([b"{}"]))
        nothing: Any = {}
        return AWSResponse(request.url, next(statuses), nothing, raw)

    client: Any = clients.dynamodb()
    client.meta.events.register_first("before-send", answer)
    with (
        patch.object(client._request_signer, "_credentials", Mock(get_frozen_credentials=lambda: next(renewed))),
        patch("batchyard.store.signatures.get_current_datetime", lambda: next(moments)),
        patch("botocore.endpoint.time.sleep"),
    ):
        client.get_item(TableName="table", Key={"id": {"S": "a"}})
    days = ["20261126", "20261127", "20261127"]
    assert [(token, moment) for _, token, moment in sent] == [
        ("token 0", "20261126T235959Z"),
        ("token 1", "20261127T000000Z"),
        ("token 2", "20261127T000001Z"),
    ]
    for number, (authorization, _, _) in enumerate(sent):
        assert f"Credential=AKID{number}/{days[number]}/eu-central-1/dynamodb/aws4_request" in authorization
    assert len({authorization.rpartition("Signature=")[2] for authorization, _, _ in sent}) == 3


# What the signature itself sets, and what comes after it.
SETS = {"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Content-Length"}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
