"""Writes the sample events in `events/`: what AWS hands to each function, a file for every function and case.

    python -m tools.events

They are for `sam local invoke` and for tests. `events/<package>/<module>.json` is what the function is there for, and
`<module>.<case>.json` what else it must answer well. All of them speak of `tools/sample_world.py`.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from batchyard.batch_requests.repository import key_of
from batchyard.batch_requests.rules import BatchRequest
from batchyard.http.caller import Caller
from batchyard.product_batches import leftovers
from batchyard.product_batches import repository as product_batches
from batchyard.product_batches.exports import repository as exports_repository
from batchyard.product_batches.rules import ProductBatch
from batchyard.store import items, notices
from batchyard.store.items import Item, Key
from batchyard.store.tables import PRODUCT_BATCHES
from tools import sample_world as world

FOLDER = Path(__file__).resolve().parents[1] / "events"

Event = dict[str, Any]

_ACCOUNT = "123456789012"
_REGION = "eu-central-1"
_STAGE = "prod"
_API = "a1b2c3d4e5"
_HOST = f"{_API}.execute-api.{_REGION}.amazonaws.com"
_BUCKET = "batchyard-contentbucket-1a2b3c4d5e6f"
_TABLE = "batchyard-BatchRequestsTable-1A2B3C4D5E6F"
_PRODUCT_BATCHES_TABLE = "batchyard-ProductBatchesTable-1A2B3C4D5E6F"
_NOW = datetime(2025, 9, 15, 8, 20, tzinfo=UTC)
_CLIENT = "203.0.113.7"

_BATCHES = "/api/v1/channel/{channel_id}/batch_requests"
_BATCH = f"{_BATCHES}/{{id}}"
_CHANNELS = "/api/v1/channels"
_CHANNEL = f"{_CHANNELS}/{{id}}"
_COLLECTION = "/admin/collection/{collectionId}"
_PRODUCT = f"{_COLLECTION}/product/{{productId}}"
_PRODUCT_BATCHES = f"{_PRODUCT}/batch"
_PRODUCT_BATCH = f"{_PRODUCT_BATCHES}/{{batchId}}"
_BATCH_IN_COLLECTION = f"{_COLLECTION}/batch/{{batchId}}"
_SERIAL_CHANGE = f"{_PRODUCT_BATCH}/serialChange"
_EVERYTHING = world.CALLER


def samples() -> dict[str, Event]:
    """All sample events by their names, such as `batch_requests/list.bad_status`."""
    return {
        **_batch_requests(),
        **_triggers(),
        **_channels(),
        **_product_batches(),
        **_serials(),
        **_identity(),
        **_odata(),
        **_others(),
    }


def text_of(event: Event) -> str:
    """An event as its file holds it."""
    return json.dumps(event, ensure_ascii=False, indent=2) + "\n"


# Routes.


def _batch_requests() -> dict[str, Event]:
    all_of_them = {"channel_id": world.MARKETPLACE.pk}
    missing = {**all_of_them, "id": world.MISSING_BATCH_REQUEST}
    opened, committed, sent, done = map(_path_of, (world.OPENED, world.COMMITTED, world.SENT, world.DONE))
    send_off = {
        "status": "sent_to_remote",
        "remote_batch_id": "feed-42",
        "objects": [
            {"pk": 103, "content_type": "product", "failed_reason_type": "channel_app"},
            {"pk": 104, "content_type": "product", "remote_id": 90104},
        ],
        "log_file": "3 products sent\n103: refused by the app\n",
    }
    whole = {
        "channel": world.MARKETPLACE.pk,
        "status": "commit",
        "content_type": "product",
        "objects": [{"pk": 111, "content_type": "product", "version_date": "2025-09-15T08:19:59.5+02:00"}],
    }
    return {
        "batch_requests/list": _request("GET", _BATCHES, all_of_them),
        "batch_requests/list.filtered": _request(
            "GET",
            _BATCHES,
            all_of_them,
            query=[("status", "commit"), ("status", "sent_to_remote"), ("ordering", "-modified_date"), ("limit", "1")],
        ),
        "batch_requests/list.bad_status": _request("GET", _BATCHES, all_of_them, query=[("status", "bogus")]),
        "batch_requests/list.missing_channel": _request("GET", _BATCHES, {"channel_id": world.MISSING_CHANNEL}),
        "batch_requests/create": _request(
            "POST", _BATCHES, all_of_them, body={"channel": str(world.MARKETPLACE.pk), "status": "done"}
        ),
        "batch_requests/create.repeatable": _request(
            "POST",
            _BATCHES,
            all_of_them,
            body={"channel": world.MARKETPLACE.pk},
            headers={"Idempotency-Key": "3f0c9a52-sample"},
        ),
        "batch_requests/create.without_channel": _request("POST", _BATCHES, all_of_them, body={}),
        "batch_requests/create.other_channel": _request("POST", _BATCHES, all_of_them, body={"channel": world.SLOW.pk}),
        "batch_requests/create.reader": _request(
            "POST", _BATCHES, all_of_them, body={"channel": world.MARKETPLACE.pk}, caller=world.READER
        ),
        "batch_requests/retrieve": _request("GET", _BATCH, committed),
        "batch_requests/retrieve.missing": _request("GET", _BATCH, missing),
        "batch_requests/retrieve.foreign_channel": _request(
            "GET", _BATCH, _path_of(world.STANDING_STILL), caller=world.READER
        ),
        "batch_requests/update": _request("PUT", _BATCH, committed, body=whole, headers={"If-Match": '"2"'}),
        "batch_requests/update.stale": _request("PUT", _BATCH, committed, body=whole, headers={"If-Match": '"1"'}),
        "batch_requests/partial_update": _request("PATCH", _BATCH, committed, body=send_off),
        "batch_requests/partial_update.repeated": _request("PATCH", _BATCH, done, body={"status": "done"}),
        "batch_requests/partial_update.bad_move": _request("PATCH", _BATCH, opened, body={"status": "ongoing"}),
        "batch_requests/partial_update.bad_fields": _request(
            "PATCH", _BATCH, committed, body={"status": "bogus", "objects": [{"pk": 1}, {"pk": "one"}]}
        ),
        "batch_requests/partial_update.bad_json": _request("PATCH", _BATCH, committed, text='{"status": "sent'),
        "batch_requests/partial_update.form": _request(
            "PATCH",
            _BATCH,
            committed,
            text="status=fail",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ),
        "batch_requests/delete": _request("DELETE", _BATCH, done),
        "batch_requests/delete.missing": _request("DELETE", _BATCH, missing),
        "batch_requests/log_file": _request("GET", f"{_BATCH}/log_file", done),
        "batch_requests/log_file.none": _request("GET", f"{_BATCH}/log_file", committed),
        "batch_requests/log_file_upload": _request("POST", f"{_BATCH}/log_file/upload", sent),
        "batch_requests/log_file_upload.reader": _request(
            "POST", f"{_BATCH}/log_file/upload", sent, caller=world.READER
        ),
    }


def _channels() -> dict[str, Event]:
    market, empty, missing = ({"id": pk} for pk in (world.MARKETPLACE.pk, world.EMPTY.pk, world.MISSING_CHANNEL))
    return {
        "channels/list": _request("GET", _CHANNELS),
        "channels/list.reader": _request("GET", _CHANNELS, caller=world.READER),
        "channels/list.bad_page": _request("GET", _CHANNELS, query=[("page", "2")]),
        "channels/create": _request("POST", _CHANNELS, body={"name": "Second marketplace", "stale_after": 86400}),
        "channels/create.bad_fields": _request("POST", _CHANNELS, body={"stale_after": 5}),
        "channels/create.reader": _request("POST", _CHANNELS, body={"name": "Mine"}, caller=world.READER),
        "channels/retrieve": _request("GET", _CHANNEL, market),
        "channels/retrieve.missing": _request("GET", _CHANNEL, missing),
        "channels/partial_update": _request("PATCH", _CHANNEL, market, body={"is_active": False}),
        "channels/delete": _request("DELETE", _CHANNEL, empty),
        "channels/delete.in_use": _request("DELETE", _CHANNEL, market),
    }


def _product_batches() -> dict[str, Event]:
    everywhere = {"collectionId": world.COLLECTION}
    of_product = {**everywhere, "productId": world.RUNNER}
    missing = {**of_product, "batchId": world.MISSING_PRODUCT_BATCH}
    lot, draft, without_serials = map(_place_of, (world.LOT, world.DRAFT, world.WITHOUT_SERIALS))
    new = {
        "id": "L40",
        "name": "Green runners",
        "gtin": world.GTIN,
        "expiryDate": "2099-06-30",
        "quantity": 1000,
        "data": {"colour": "green"},
        "orderedBy": {"shop": 17},
    }
    wrong = {"id": "L 41", "gtin": "09521234543214", "expiryDate": "soon", "quantity": -1, "status": "lost"}
    same = {"id": world.LOT.id, **world.LOT.fields, "quantity": world.LOT.quantity}
    shared = {**everywhere, "batchId": world.LOT.id}
    lost = "cHJvZHVjdA"
    return {
        "product_batches/list": _coded("GET", _PRODUCT_BATCHES, of_product),
        "product_batches/list.no_key": _coded("GET", _PRODUCT_BATCHES, of_product, caller=None),
        "product_batches/create": _coded("POST", _PRODUCT_BATCHES, of_product, body=new),
        "product_batches/create.same": _coded("POST", _PRODUCT_BATCHES, of_product, body=same),
        "product_batches/create.other": _coded("POST", _PRODUCT_BATCHES, of_product, body={**new, "id": world.LOT.id}),
        "product_batches/create.bad_fields": _coded("POST", _PRODUCT_BATCHES, of_product, body=wrong),
        "product_batches/create.reader": _coded("POST", _PRODUCT_BATCHES, of_product, body=new, caller=world.READER),
        "product_batches/retrieve": _coded("GET", _PRODUCT_BATCH, lot),
        "product_batches/retrieve.missing": _coded("GET", _PRODUCT_BATCH, missing),
        "product_batches/retrieve.foreign_collection": _coded(
            "GET", _PRODUCT_BATCH, {**lot, "collectionId": "not-of-the-reader"}, caller=world.READER
        ),
        "product_batches/update": _coded(
            "PUT",
            _PRODUCT_BATCH,
            lot,
            body={"name": "Dark red runners", "packagingDate": None, "quantity": 30, "status": "recalled"},
            headers={"If-Match": '"2"'},
        ),
        "product_batches/update.stale": _coded(
            "PUT", _PRODUCT_BATCH, lot, body={"name": "Dark red runners"}, headers={"If-Match": '"1"'}
        ),
        "product_batches/update.fewer": _coded("PUT", _PRODUCT_BATCH, lot, body={"quantity": 19}),
        "product_batches/delete": _coded("DELETE", _PRODUCT_BATCH, without_serials),
        "product_batches/delete.in_use": _coded("DELETE", _PRODUCT_BATCH, lot),
        "product_batches/delete.forced": _coded("DELETE", _PRODUCT_BATCH, lot, query=[("force", "true")]),
        "product_batches/search": _coded("GET", f"{_COLLECTION}/batch", everywhere, query=[("search", "RUNNERS")]),
        "product_batches/search.page": _coded("GET", f"{_COLLECTION}/batch", everywhere, query=[("limit", "2")]),
        "product_batches/search.bad_cursor": _coded(
            "GET", f"{_COLLECTION}/batch", everywhere, query=[("cursor", lost)]
        ),
        "product_batches/find": _coded("GET", _BATCH_IN_COLLECTION, {**everywhere, "batchId": world.DRAFT.id}),
        "product_batches/find.of_product": _coded(
            "GET", _BATCH_IN_COLLECTION, shared, query=[("productId", world.HIKER)]
        ),
        "product_batches/find.ambiguous": _coded("GET", _BATCH_IN_COLLECTION, shared),
        "product_batches/tags": _coded("GET", f"{_BATCH_IN_COLLECTION}/tags", shared, query=[("claimSetId", "autumn")]),
        "product_batches/public": _public(_PRODUCT_BATCH, lot),
        "product_batches/public.draft": _public(_PRODUCT_BATCH, draft),
    }


def _serials() -> dict[str, Event]:
    lot, twin = _place_of(world.LOT), _place_of(world.TWIN)
    everywhere = {"collectionId": world.COLLECTION}
    good, spoilt, other = (world.code_of_serial(*place) for place in ((world.LOT, 3), (world.LOT, 17), (world.TWIN, 2)))
    mistyped = f"{good[:-1]}{'0' if good[-1] != '0' else '1'}"
    lookup = f"{_PRODUCT_BATCH}/lookupSN/{{codeId}}"
    serial = f"{_PRODUCT_BATCH}/serial/{{codeId}}"
    undo = f"{_SERIAL_CHANGE}/{{changeId}}/undo"
    verify = f"{_COLLECTION}/verifySN/{{codeId}}"
    stolen = {"status": "stolen", "ranges": [{"startIndex": 0, "count": 4}, {"startIndex": 12, "count": 5}]}
    overlapping = {"status": "stolen", "ranges": [{"startIndex": 0, "count": 4}, {"startIndex": 3, "count": 2}]}
    return {
        "product_batches/get_serials": _coded(
            "GET", f"{_PRODUCT_BATCH}/getSN", lot, query=[("startIndex", "14"), ("count", "2")]
        ),
        "product_batches/get_serials.too_many": _coded(
            "GET", f"{_PRODUCT_BATCH}/getSN", lot, query=[("count", "10001")]
        ),
        **_exports(lot, twin),
        "product_batches/lookup": _coded("GET", lookup, {**lot, "codeId": good}),
        "product_batches/lookup.mistyped": _coded("GET", lookup, {**lot, "codeId": mistyped}),
        "product_batches/lookup.other_batch": _coded("GET", lookup, {**lot, "codeId": other}),
        "product_batches/lookup_in_product": _coded(
            "GET", f"{_PRODUCT}/lookupSN/{{codeId}}", {**everywhere, "productId": world.RUNNER, "codeId": spoilt}
        ),
        "product_batches/lookup_in_collection": _coded(
            # As somebody reads it off a label.
            "GET",
            f"{_COLLECTION}/lookupSN/{{codeId}}",
            {**everywhere, "codeId": f"{other[:4]}-{other[4:8]}-{other[8:]}".lower()},
        ),
        "product_batches/change_serial": _coded(
            "PATCH", serial, {**lot, "codeId": good}, body={"status": "dispensed", "reason": "sold"}
        ),
        "product_batches/change_serial.final": _coded(
            "PATCH", serial, {**lot, "codeId": spoilt}, body={"status": "dispensed"}
        ),
        "product_batches/change_serials": _coded("POST", _SERIAL_CHANGE, lot, body=stolen),
        "product_batches/change_serials.overlapping": _coded("POST", _SERIAL_CHANGE, lot, body=overlapping),
        "product_batches/change_serials.reader": _coded("POST", _SERIAL_CHANGE, lot, body=stolen, caller=world.READER),
        "product_batches/list_serial_changes": _coded("GET", _SERIAL_CHANGE, lot),
        "product_batches/undo_serial_change": _coded("POST", undo, {**lot, "changeId": world.SPOILT.id}),
        "product_batches/undo_serial_change.missing": _coded("POST", undo, {**twin, "changeId": world.SPOILT.id}),
        "product_batches/verify": _public(verify, {**everywhere, "codeId": good}),
        "product_batches/verify.out_of_use": _public(verify, {**everywhere, "codeId": spoilt}),
        "product_batches/verify.mistyped": _public(verify, {**everywhere, "codeId": mistyped}),
    }


def _exports(lot: Mapping[str, object], without_gtin: Mapping[str, object]) -> dict[str, Event]:
    start, sheet = f"{_PRODUCT_BATCH}/export", f"{_PRODUCT_BATCH}/sheet"
    one = f"{start}/{{exportId}}"
    return {
        "product_batches/export": _coded("POST", start, lot, body={"format": "ndjson"}),
        "product_batches/export.no_gtin": _coded("POST", start, without_gtin, body={"format": "epcis"}),
        "product_batches/retrieve_export": _coded("GET", one, {**lot, "exportId": world.EXPORTED.id}),
        "product_batches/retrieve_export.queued": _coded("GET", one, {**lot, "exportId": world.EXPORT.id}),
        "product_batches/retrieve_export.missing": _coded("GET", one, {**lot, "exportId": world.MISSING_EXPORT}),
        "product_batches/sheet": _coded("GET", sheet, lot, query=[("startIndex", "4"), ("count", "2")]),
        "product_batches/sheet.too_many": _coded("GET", sheet, lot, query=[("count", "301")]),
    }


def _place_of(batch: ProductBatch) -> dict[str, object]:
    return {"collectionId": batch.collection, "productId": batch.product, "batchId": batch.id}


def _coded(method: str, resource: str, parameters: Mapping[str, object], **rest: Any) -> Event:
    """A request of the family whose clients call the token an API key, and put no slash behind a path."""
    key = {} if rest.get("caller", _EVERYTHING) is None else {"Authorization": f"Bearer {world.KEY}"}
    return _request(method, resource, parameters, slash="", **{**rest, "headers": {**key, **rest.get("headers", {})}})


def _public(resource: str, parameters: Mapping[str, object]) -> Event:
    return _coded("GET", resource.replace("/admin/", "/public/"), parameters, caller=None)


def _identity() -> dict[str, Event]:
    login = "/api/v1/auth/login"
    right = {"username": world.USER.name, "password": world.PASSWORD}
    return {
        "identity/active_user": _request("GET", "/api/v1/active_user"),
        "identity/login": _request("POST", login, body=right, caller=None),
        "identity/login.wrong_password": _request(
            "POST", login, body={**right, "password": "not-the-password"}, caller=None
        ),
        "identity/login.without_password": _request("POST", login, body={"username": world.USER.name}, caller=None),
        "identity/authorizer": _authorization(f"Token {world.KEY}"),
        "identity/authorizer.bearer": _authorization(f"bearer {world.KEY}"),
        "identity/authorizer.bad_token": _authorization("Token by_no-such-key"),
        "identity/authorizer.other_scheme": _authorization("Basic c2FtcGxlOnNhbXBsZQ=="),
        "identity/authorizer.no_token": _authorization(None),
        "identity/key_authorizer": _key_authorization(Authorization=f"Bearer {world.KEY}"),
        "identity/key_authorizer.api_key": _key_authorization(**{"X-API-Key": world.KEY}),
        "identity/key_authorizer.bad_key": _key_authorization(Authorization="Bearer by_no-such-key"),
        "identity/key_authorizer.no_key": _key_authorization(),
    }


def _odata() -> dict[str, Event]:
    batches = _path(_BATCHES, {"channel_id": world.MARKETPLACE.pk}) + "/"
    opening: Event = {"method": "POST", "url": batches, "body": {"channel": world.MARKETPLACE.pk}}
    filling = {"status": "commit", "objects": [{"pk": 401, "content_type": "stock"}]}
    all_or_none: list[Event] = [
        {"id": "new", "atomicityGroup": "load", **opening},
        {"id": "fill", "atomicityGroup": "load", "method": "PATCH", "url": "$new", "body": filling},
        {"id": "see", "dependsOn": ["load"], "method": "GET", "url": f"{batches}{world.SENT.pk}/"},
        {"id": "none", "method": "GET", "url": "/api/v1/products/"},
    ]
    undone: list[Event] = [
        {"id": "new", "atomicityGroup": "load", **opening},
        {
            "id": "wrong",
            "atomicityGroup": "load",
            "method": "PATCH",
            "url": f"{batches}{world.OPENED.pk}/",
            "body": {"status": "ongoing"},
        },
        {"id": "see", "dependsOn": ["load"], "method": "GET", "url": f"{batches}{world.SENT.pk}/"},
    ]
    parts = [
        [f"GET {batches}{world.COMMITTED.pk}/ HTTP/1.1", "Accept: application/json", "", ""],
        [f"PATCH {batches}{world.DONE.pk}/ HTTP/1.1", "Content-Type: application/json", "", '{"status":"done"}'],
    ]
    lines = [
        line
        for part in parts
        for line in ("--changeset", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "", *part)
    ]
    form = {"Accept": "multipart/mixed", "Content-Type": "multipart/mixed; boundary=changeset"}
    return {
        "odata/service": _odata_request("POST", "$batch", body={"requests": all_or_none}),
        "odata/service.undone": _odata_request("POST", "$batch", body={"requests": undone}),
        "odata/service.multipart": _odata_request(
            "POST", "$batch", text="\r\n".join([*lines, "--changeset--", ""]), headers=form
        ),
        "odata/service.method": _odata_request("GET", "$batch"),
        "odata/service.missing": _odata_request("GET", "Products(1)"),
    }


def _odata_request(method: str, path: str, **rest: Any) -> Event:
    return _request(method, "/v1/{odata+}", {"odata": path}, slash="", **rest)


def _others() -> dict[str, Event]:
    rest = "/{proxy+}"
    return {
        "docs/openapi": _request("GET", "/openapi.json", slash="", caller=None),
        "docs/page": _request("GET", "/docs", slash="", caller=None),
        "gateway/fallback": _request("GET", rest, {"proxy": "api/v1/products"}, caller=None),
        "gateway/fallback.method": _request("PUT", rest, {"proxy": "api/v1/channels"}, body={}, caller=None),
        "gateway/fallback.root": _request("GET", "/", slash="", caller=None),
        "gateway/fallback.coded": _request("GET", rest, {"proxy": "admin/collection/shoes"}, slash="", caller=None),
    }


def _path_of(batch: BatchRequest) -> dict[str, object]:
    return {"channel_id": batch.channel, "id": batch.pk}


def _request(
    method: str,
    resource: str,
    parameters: Mapping[str, object] | None = None,
    *,
    query: Iterable[tuple[str, str]] = (),
    body: object = None,
    text: str | None = None,
    headers: Mapping[str, str] | None = None,
    slash: str = "/",
    caller: Caller | None = _EVERYTHING,
) -> Event:
    """What API Gateway hands to the function of a route (REST API, Lambda proxy integration)."""
    path = _path(resource, parameters or {}) + slash
    payload = json.dumps(body) if body is not None else text
    sent = {} if caller is None else {"Authorization": f"Token {world.KEY}"}
    sent |= {} if payload is None else {"Content-Type": "application/json"}
    given = _headers({**sent, **(headers or {})}, path)
    asked: dict[str, list[str]] = {}
    for name, value in query:
        asked.setdefault(name, []).append(value)
    context = _request_context(method, resource, path)
    if caller is not None:
        context["authorizer"] = {**caller.to_context(), "principalId": caller.user, "integrationLatency": 41}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": given,
        "multiValueHeaders": {name: [value] for name, value in given.items()},
        "queryStringParameters": {name: values[-1] for name, values in asked.items()} or None,
        "multiValueQueryStringParameters": asked or None,
        "pathParameters": {name: str(value) for name, value in (parameters or {}).items()} or None,
        "stageVariables": None,
        "requestContext": context,
        "body": payload,
        "isBase64Encoded": False,
    }


def _authorization(header: str | None) -> Event:
    """What the authorizer of batch requests is asked."""
    parameters = {"channel_id": str(world.MARKETPLACE.pk)}
    return _asked(_BATCHES, parameters, "/", {} if header is None else {"Authorization": header})


def _key_authorization(**headers: str) -> Event:
    """What the authorizer of product batches is asked."""
    return _asked(f"{_COLLECTION}/batch", {"collectionId": world.COLLECTION}, "", headers)


def _asked(resource: str, parameters: Mapping[str, str], slash: str, headers: Mapping[str, str]) -> Event:
    """What API Gateway hands to a REQUEST authorizer."""
    path = _path(resource, parameters) + slash
    given = _headers(headers, path)
    return {
        "type": "REQUEST",
        "methodArn": f"arn:aws:execute-api:{_REGION}:{_ACCOUNT}:{_API}/{_STAGE}/GET{path.rstrip('/')}",
        "resource": resource,
        "path": path,
        "httpMethod": "GET",
        "headers": given,
        "multiValueHeaders": {name: [value] for name, value in given.items()},
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "pathParameters": dict(parameters),
        "stageVariables": {},
        "requestContext": _request_context("GET", resource, path),
    }


def _path(resource: str, parameters: Mapping[str, object]) -> str:
    return resource.replace("+}", "}").format(**parameters)


def _headers(given: Mapping[str, str], path: str) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        **given,
        "Host": _HOST,
        "User-Agent": "python-requests/2.32.5",
        "X-Amzn-Trace-Id": f"Root=1-{int(_NOW.timestamp()):08x}-{_hex(path, 24)}",
        "X-Forwarded-For": _CLIENT,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }


def _request_context(method: str, resource: str, path: str) -> Event:
    return {
        "resourceId": _hex(resource, 6),
        "resourcePath": resource,
        "httpMethod": method,
        "extendedRequestId": f"{_hex(path, 11)}EA=",
        "requestTime": f"{_NOW:%d/%b/%Y:%H:%M:%S} +0000",
        "path": f"/{_STAGE}{path}",
        "accountId": _ACCOUNT,
        "protocol": "HTTP/1.1",
        "stage": _STAGE,
        "domainPrefix": _API,
        "requestTimeEpoch": int(_NOW.timestamp()) * 1000,
        "requestId": _uuid(f"{method} {path}"),
        "identity": {
            "cognitoIdentityPoolId": None,
            "accountId": None,
            "cognitoIdentityId": None,
            "caller": None,
            "sourceIp": _CLIENT,
            "principalOrgId": None,
            "accessKey": None,
            "cognitoAuthenticationType": None,
            "cognitoAuthenticationProvider": None,
            "userArn": None,
            "userAgent": "python-requests/2.32.5",
            "user": None,
        },
        "domainName": _HOST,
        "deploymentId": "d1e2f3",
        "apiId": _API,
    }


# Triggers.


def _triggers() -> dict[str, Event]:
    changes = _stream(
        _TABLE,
        _of_batch_request("INSERT", None, world.OPENED),
        _of_batch_request("MODIFY", world.COMMITTED_BEFORE, world.COMMITTED),
        _of_batch_request("MODIFY", world.DONE_BEFORE, world.DONE),
        _of_batch_request("REMOVE", world.DELETED, None),
    )
    lots = _stream(
        _PRODUCT_BATCHES_TABLE,
        _of_lot("MODIFY", product_batches.encode(world.LOT_BEFORE), product_batches.encode(world.LOT)),
        _of_lot("INSERT", None, world.item_of_change(world.SPOILT)),
        _of_lot("MODIFY", *world.SCANNED),
        _of_lot("REMOVE", product_batches.encode(world.REMOVED), None),
    )
    export, gone = (
        json.dumps({"collection": world.COLLECTION, "product": world.RUNNER, "batch": world.LOT.id, "export": id})
        for id in (world.EXPORT.id, world.MISSING_EXPORT)
    )
    asked_for = _stream(
        _PRODUCT_BATCHES_TABLE,
        _of_lot("MODIFY", product_batches.encode(world.LOT_BEFORE), product_batches.encode(world.LOT)),
        _of_lot("INSERT", None, exports_repository.encode(world.EXPORT)),
    )
    exports_queue = "batchyard-ExportsQueue-1A2B3C4D5E6F"
    leftovers_queue = "batchyard-ProductBatchLeftoversQueue-1A2B3C4D5E6F"
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": _iso(), "Bucket": _BUCKET}
    test |= {"RequestId": "5CB6C3A0F1E2D4B7", "HostId": _hex("host", 40)}
    uploads, sweeps = "batchyard-UploadsQueue-1A2B3C4D5E6F", "batchyard-SweepQueue-1A2B3C4D5E6F"
    return {
        "batch_requests/tally": changes,
        "batch_requests/publish": changes,
        "batch_requests/attach_log": _queue(uploads, _stored(world.UPLOAD_KEY, world.UPLOADED_LOG)),
        "batch_requests/attach_log.gone": _queue(uploads, _stored(world.MISSING_UPLOAD_KEY, "")),
        "batch_requests/attach_log.test": _queue(uploads, json.dumps(test)),
        "batch_requests/sweep": _queue(
            sweeps,
            _stored(world.ORPHAN_KEY, "what a crash left behind"),
            # Told by the change stream: a log file that was let go of, and one that its batch request still points at.
            notices.message(str(world.DONE_BEFORE.log_key)),
            notices.message(str(world.DONE.log_key)),
        ),
        "batch_requests/sweep.unreadable": _queue(sweeps, "not JSON", notices.message(world.ORPHAN_KEY)),
        "batch_requests/sweep.test": _queue(sweeps, json.dumps(test)),
        "batch_requests/fail_stale": _schedule("batchyard-fail-stale"),
        "batch_requests/recount": _schedule("batchyard-recount"),
        "product_batches/publish": lots,
        "product_batches/clean_up": _queue(leftovers_queue, leftovers.notice(world.REMOVED)),
        "product_batches/clean_up.unreadable": _queue(leftovers_queue, "not JSON", leftovers.notice(world.REMOVED)),
        "product_batches/start_export": asked_for,
        "product_batches/write_export": _queue(exports_queue, export),
        "product_batches/write_export.gone": _queue(exports_queue, gone),
        "product_batches/expire": _schedule("batchyard-expire"),
    }


class _Change(NamedTuple):
    kind: str
    moment: int
    key: Key
    before: Item | None
    after: Item | None


def _of_batch_request(kind: str, before: BatchRequest | None, after: BatchRequest | None) -> _Change:
    subject = after or before
    assert subject is not None
    key = key_of(subject.channel, subject.pk)
    old, new = (None if batch is None else world.item_of(batch) for batch in (before, after))
    return _Change(kind, subject.modified // 1_000_000, key, old, new)


def _of_lot(kind: str, before: Item | None, after: Item | None) -> _Change:
    return _Change(kind, int(_NOW.timestamp()), PRODUCT_BATCHES.key_of(after or before or {}), before, after)


def _stream(table: str, *changes: _Change) -> Event:
    """What Lambda hands on of a table's stream: the changes with old and new images."""
    records = []
    for number, (kind, moment, key, before, after) in enumerate(changes):
        both = (("NewImage", after), ("OldImage", before))
        images = {name: _wired(items.encode(item)) for name, item in both if item is not None}
        change = {
            "ApproximateCreationDateTime": moment,
            "Keys": _wired(items.encode(key)),
            **images,
            "SequenceNumber": f"{4421584500000000017450439091 + 7 * number}",
            "SizeBytes": len(json.dumps(images)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        records.append(
            {
                "eventID": _hex(f"change {number}", 32),
                "eventName": kind,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": _REGION,
                "dynamodb": change,
                "eventSourceARN": f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/{table}/stream/2025-09-01T06:00:00.000",
            }
        )
    return {"Records": records}


def _wired(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they travel in JSON: bytes in base64."""
    return {
        name: {"B": base64.b64encode(typed["B"]).decode()} if "B" in typed else typed
        for name, typed in attributes.items()
    }


def _queue(name: str, *bodies: str) -> Event:
    """What Lambda hands on of an SQS queue."""
    moment = str(int(_NOW.timestamp()) * 1000)
    records = [
        {
            "messageId": _uuid(f"{name} {body}"),
            "receiptHandle": f"AQEB{_hex(body, 48)}==",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": moment,
                "SenderId": "AIDAJQR6QDGQ7PATMSYEY",
                "ApproximateFirstReceiveTimestamp": moment,
            },
            "messageAttributes": {},
            "md5OfBody": _md5(body),
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{name}",
            "awsRegion": _REGION,
        }
        for body in bodies
    ]
    return {"Records": records}


def _stored(key: str, content: str) -> str:
    """S3's notification of a new object, as it comes in a queue's message."""
    notified = {
        "key": quote(key),
        "size": len(content.encode()),
        "eTag": _md5(content),
        "versionId": _hex(f"version of {key}", 32),
        "sequencer": "0068C7C2F0A1B2C3D4",
    }
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": _REGION,
        "eventTime": _iso(),
        "eventName": "ObjectCreated:Post" if key.startswith("uploads/") else "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AROAJQR6QDGQ7PATMSYEY:batchyard"},
        "requestParameters": {"sourceIPAddress": _CLIENT},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": _hex(key, 40)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": _uuid("notifications"),
            "bucket": {
                "name": _BUCKET,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": f"arn:aws:s3:::{_BUCKET}",
            },
            "object": notified,
        },
    }
    return json.dumps({"Records": [record]})


def _schedule(name: str) -> Event:
    """What EventBridge Scheduler hands to a function whose schedule has no input of its own."""
    return {
        "version": "0",
        "id": _uuid(name),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": _ACCOUNT,
        "time": f"{_NOW:%Y-%m-%dT%H:%M:%SZ}",
        "region": _REGION,
        "resources": [f"arn:aws:scheduler:{_REGION}:{_ACCOUNT}:schedule/default/{name}"],
        "detail": "{}",
    }


# Names that AWS makes up: here the same ones each time.


def _hex(seed: str, length: int) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:length]


def _uuid(seed: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _iso() -> str:
    return f"{_NOW:%Y-%m-%dT%H:%M:%S}.000Z"


def main() -> None:
    """Writes the files anew, and removes those that no sample has any more."""
    for file in FOLDER.rglob("*.json"):
        file.unlink()
    for name, event in samples().items():
        file = FOLDER / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text_of(event))
    print(f"{len(samples())} events in {FOLDER.name}/")


if __name__ == "__main__":
    main()
