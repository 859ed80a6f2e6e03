"""All routes, from their own table: what is not to the byte what a client sent is refused, and odd paths lead nowhere.

Each request is made alone, and as a part of a JSON batch and of a multipart batch.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from batchyard.http import coded, dialects, typed
from batchyard.store import blobs, clients
from batchyard.store.tables import BATCH_REQUESTS, CHANNELS, IDENTITY, PRODUCT_BATCHES
from tests.contract.service import COLLECTION, GATEWAY, PRODUCT, Service
from tests.support.api import EVERYTHING, Answer, Api, batches, invoke
from tests.support.batch import Part, envelope, parts_of
from tests.support.documented import operation_of
from tools.generate.handlers import handlers
from tools.template import api_methods

Route = tuple[str, str]

ROUTES = {handler.route: handler.works_in_batches for handler in handlers() if handler.route is not None}
FORMS = {handler.route for handler in handlers() if handler.app is not None and handler.app.form}
# A form's bytes may be any.
WRITES = [
    route
    for route in ROUTES
    if route not in FORMS and (route[0] in {"PATCH", "POST", "PUT"} or "requestBody" in (operation_of(*route) or {}))
]
PARAMETERS = [(route, name) for route in ROUTES for name in re.findall(r"\{(\w+)\}", route[1])]

JSON = {"Content-Type": "application/json"}
BODY = '{"name": "café", "log_file": "café"}'.encode()
BAD = {
    "latin-1": '{"name": "café", "log_file": "café"}'.encode("latin-1"),
    "half a character": BODY.replace("é".encode(), "é".encode()[:1]),
    "U+FFFD": BODY.replace("é".encode(), "\ufffd".encode()),
    "UTF-16": BODY.decode().encode("utf-16"),
    "packed": gzip.compress(BODY, mtime=0),
}
UNREAD = {
    "another charset": {"Content-Type": "application/json; charset=iso-8859-1"},
    "another charset, quoted": {"Content-Type": 'application/json;x=y; Charset="windows-1252"'},
    "UTF-16": {"Content-Type": "application/json;charset=utf-16le"},
    "no charset": {"Content-Type": "application/json;charset="},
    "packed by brotli": {**JSON, "Content-Encoding": "br"},
    "packed twice": {**JSON, "Content-Encoding": "gzip, gzip"},
}
ODD = [
    "%0A",
    "%0D%0A",
    "%09",
    "%00",
    "%252E",
    "%252F",
    "%E2%80%91",
    "%F0%9F%98%80",
    "%FF",
    "%ED%A0%80",
    "%EF%BF%BD",
    "%",
]
# They may stand within codes, which scanners and people bring from anywhere.
SEPARATORS = {"%0A", "%0D%0A", "%09", "%E2%80%91"}


@pytest.fixture(scope="module")
def known(service: Service) -> dict[str, str]:
    """What there is, by the names of parameters."""
    batch = service.readable
    return {
        "channel_id": str(service.channel),
        "id": str(service.new_batch()),
        "collectionId": COLLECTION,
        "productId": PRODUCT,
        "batchId": batch,
        "codeId": service.codes(batch)[7],
        "exportId": service.export,
        "changeId": service.new_change(batch, 20),
    }


@pytest.fixture
def unchanged(service: Service) -> Iterator[None]:
    """Whatever a test does, all that is stored stays as it is."""
    before = _stored()
    yield
    assert _stored() == before


def _stored() -> Any:
    # How often a code was verified is counted also where separators stand in it.
    tables = [
        sorted(repr(item) for item in clients.dynamodb().scan(TableName=table.name)["Items"] if "scans" not in item)
        for table in (BATCH_REQUESTS, CHANNELS, IDENTITY, PRODUCT_BATCHES)
    ]
    found = clients.s3().list_objects_v2(Bucket=blobs.bucket()).get("Contents", [])
    return tables, [(one["Key"], one["ETag"]) for one in found]


def _path(route: Route, values: Mapping[str, str]) -> str:
    path = route[1]
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"a new parameter: {route}"
    return path


class Client:
    """Somebody who may do everything, and sends one request in several ways."""

    def __init__(self, service: Service) -> None:
        self.authorization = ("Authorization", f"Token {service.key}")

    def alone(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        return GATEWAY.request(method, path, [self.authorization, *headers.items()], body)

    def batch(self, content_type: str, body: bytes) -> Answer:
        return GATEWAY.request("POST", "/v1/$batch", [self.authorization, ("Content-Type", content_type)], body)

    def in_json(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer | Part:
        head = json.dumps({"id": "1", "method": method, "url": path, "headers": dict(headers)}).encode()
        answer = self.batch(
            "application/json", b'{"requests":[' + head[:-1] + (b',"body":' + body if body else b"") + b"}]}"
        )
        if answer.status != 200:
            return answer
        (response,) = answer.json()["responses"]
        said = response.get("body", "")
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return Part("1", response["status"], response["headers"], text)

    def in_multipart(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer | Part:
        answer = self.batch("multipart/mixed; boundary=b", _multipart(method, path, headers, body))
        if answer.status != 200:
            return answer
        (part,) = parts_of(answer)
        assert isinstance(part, Part)
        return part


def _multipart(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    part = f"Content-Type: application/http\r\n\r\n{method} {path} HTTP/1.1\r\n{lines}\r\n@\r\n"
    return envelope(part).encode().replace(b"@", body)


@pytest.fixture
def client(service: Service) -> Client:
    return Client(service)


def _is_refused(answer: Answer | Part, status: int, path: str, reason: str) -> None:
    """In the shape of the family that the path belongs to."""
    assert answer.status == status, answer.text
    assert reason in answer.text
    said = answer.json()
    shape = list(said)
    match dialects.of_path(path):
        case dialect if dialect is coded:
            assert (shape, said["code"]) == (["code", "errorCode", "message", "details"], status)
        case dialect if dialect is typed:
            assert shape == ["type", "message"]
        case _:
            assert shape == ["detail"]


def test_the_table_of_routes_is_whole() -> None:
    served = {(one.method, one.path.rstrip("/")) for one in api_methods()}
    assert {(method, path.rstrip("/")) for method, path in ROUTES} <= served
    assert len(WRITES) > 10
    assert len(PARAMETERS) > 50


# Bodies.


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("route", WRITES, ids=" ".join)
@pytest.mark.usefixtures("unchanged")
def test_bytes_that_are_no_utf8_are_refused(client: Client, known: dict[str, str], route: Route, kind: str) -> None:
    method, path = route[0], _path(route, known)
    _is_refused(client.alone(method, path, JSON, BAD[kind]), 400, path, "U+FFFD")
    # It cannot be told what they were a part of.
    for answer in (client.in_json(method, path, JSON, BAD[kind]), client.in_multipart(method, path, JSON, BAD[kind])):
        assert (answer.status, answer.json()["error"]["code"]) == (400, "BadRequest")
        assert "U+FFFD" in answer.text


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("route", WRITES, ids=" ".join)
@pytest.mark.usefixtures("unchanged", "client")
def test_base64_bytes_that_are_no_utf8_are_refused(known: dict[str, str], route: Route, kind: str) -> None:
    method, path = route[0], _path(route, known)

    def sent(method: str, path: str, content_type: str, body: bytes) -> Answer:
        event, handler = Api(EVERYTHING).event(method, path, text="-", headers={"Content-Type": content_type})
        return invoke(handler, event | {"isBase64Encoded": True, "body": base64.b64encode(body).decode()})

    _is_refused(sent(method, path, "application/json", BAD[kind]), 400, path, "UTF-8")
    answer = sent("POST", "/v1/$batch", "multipart/mixed; boundary=b", _multipart(method, path, JSON, BAD[kind]))
    if answer.status == 200 and ROUTES[route]:
        # Each byte is there, so only what is broken is refused.
        (part,) = parts_of(answer)
        assert isinstance(part, Part)
        _is_refused(part, 400, path, "UTF-8")
    elif ROUTES[route]:
        assert (answer.status, kind) == (400, "U+FFFD")
    head = json.dumps({"id": "1", "method": method, "url": path}).encode()
    requests = b'{"requests":[' + head[:-1] + b',"body":' + BAD[kind] + b"}]}"
    assert sent("POST", "/v1/$batch", "application/json", requests).status == 400


@pytest.mark.parametrize("kind", UNREAD)
@pytest.mark.parametrize("route", WRITES, ids=" ".join)
@pytest.mark.usefixtures("unchanged")
def test_a_body_declared_in_another_charset_than_utf8_is_refused(
    client: Client, known: dict[str, str], route: Route, kind: str
) -> None:
    method, path, headers = route[0], _path(route, known), UNREAD[kind]
    behind = invoke_behind(method, path, headers)
    _is_refused(behind, 415, path, "nsupported")
    assert client.alone(method, path, headers, BODY).status == 415
    for part in (client.in_json(method, path, headers, BODY), client.in_multipart(method, path, headers, BODY)):
        assert isinstance(part, Part)
        if not ROUTES[route]:
            assert (part.status, part.json()["error"]["code"]) == (400, "BadRequest")
            continue
        _is_refused(part, 415, path, "nsupported")
        assert part.json() == behind.json()
    whole = GATEWAY.request(
        "POST",
        "/v1/$batch",
        [client.authorization, *headers.items()],
        json.dumps({"requests": [{"id": "1", "method": method, "url": path, "body": {}}]}).encode(),
    )
    assert whole.status == 415


def invoke_behind(method: str, path: str, headers: Mapping[str, str]) -> Answer:
    """What the function answers, whatever API Gateway would have refused before."""
    event, handler = Api(EVERYTHING).event(method, path, text=BODY.decode(), headers=headers)
    return invoke(handler, event)


@pytest.mark.parametrize("route", [route for route in WRITES if ROUTES[route]], ids=" ".join)
@pytest.mark.usefixtures("unchanged")
def test_a_part_with_a_content_encoding_is_refused(client: Client, known: dict[str, str], route: Route) -> None:
    method, path = route[0], _path(route, known)
    for coding in ("gzip", "deflate"):
        headers = {**JSON, "Content-Encoding": coding}
        for part in (client.in_json(method, path, headers, BODY), client.in_multipart(method, path, headers, BODY)):
            assert isinstance(part, Part)
            _is_refused(part, 415, path, coding)


LOG = "café ☃ \U0001f600 \u2028"


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=UTF-8", 'application/json;charset="utf8"']
)
def test_text_is_stored_to_the_byte(client: Client, service: Service, content_type: str, escaped: bool) -> None:
    wanted = LOG + ("\ufffd" if escaped else "")
    body = json.dumps({"log_file": wanted}, ensure_ascii=escaped).encode()
    headers = {"Content-Type": content_type}
    for send in (client.alone, client.in_json, client.in_multipart):
        path = batches(service.channel, service.new_batch())
        assert send("PATCH", path, headers, body).status == 200
        assert _log(client, path) == wanted


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
def test_a_body_that_api_gateway_unpacked_is_accepted(client: Client, service: Service, coding: str, pack: Any) -> None:
    path = batches(service.channel, service.new_batch())
    body = json.dumps({"log_file": LOG}, ensure_ascii=False).encode()
    packed = {**JSON, "Content-Encoding": coding}
    assert client.alone("PATCH", path, packed, pack(body)).status == 200
    assert _log(client, path) == LOG
    if coding != "identity":
        assert client.alone("PATCH", path, packed, body).status == 415


def _log(client: Client, path: str) -> str:
    leads_to = urlsplit(client.alone("GET", f"{path}log_file/", {}).headers["Location"])
    key = unquote(leads_to.path).lstrip("/").removeprefix(f"{blobs.bucket()}/")
    return gzip.decompress(blobs.read(key)).decode()


# Paths.


@pytest.mark.parametrize(
    ("route", "name"), PARAMETERS, ids=lambda one: " ".join(one) if isinstance(one, tuple) else one
)
@pytest.mark.usefixtures("unchanged")
def test_odd_paths_lead_nowhere_from_anywhere(client: Client, known: dict[str, str], route: Route, name: str) -> None:
    method, right = route[0], _path(route, known)
    body = b"{}" if route in WRITES else b""
    headers = JSON if body else {}
    for odd, value in [(one, before + one) for one in ODD for before in ("", known[name])]:
        path = _path(route, {**known, name: value})
        alone = client.alone(method, path, headers, body)
        if name == "codeId" and odd in SEPARATORS and value != odd:
            assert alone == client.alone(method, right, headers, body)
        else:
            assert alone.status in {400, 404}, (path, alone.text)
        if ROUTES[route]:
            assert _same(client.in_json(method, path, headers, body), alone), path
            assert _same(client.in_multipart(method, path, headers, body), alone), path
            written = unquote(path)
            if written.isprintable() and "%" not in written:
                assert _same(client.in_json(method, written, headers, body), alone), path
        if "%2" not in odd:
            # As `sam local` hands it on, which undoes escapes, so that none is left to tell apart.
            event, handler = Api(EVERYTHING).event(method, path, text=body.decode() or None)
            assert _same(invoke(handler, event | {"path": unquote(path)}), alone), path


def _same(answer: Answer | Part, alone: Answer) -> bool:
    return (answer.status, answer.text) == (alone.status, alone.text)


@pytest.mark.parametrize("odd", ODD)
def test_odd_paths_without_a_route_are_not_found(client: Client, odd: str) -> None:
    for path in (f"/api/v1/{odd}", f"/admin/{odd}/x", f"/{odd}", f"/v1/{odd}", f"/v1/Products('{odd}')"):
        for send in (client.alone, client.in_json, client.in_multipart):
            assert send("GET", path, {}).status in {400, 404}
