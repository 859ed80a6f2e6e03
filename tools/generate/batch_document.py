"""What the OpenAPI document says of `POST /v1/$batch`, which no resolver describes: its three forms are OData's."""

from http import HTTPStatus
from typing import Any

from batchyard.http import refusals
from batchyard.odata.envelope import LARGEST_BATCH, LONGEST_ID
from tools.sample_world import MARKETPLACE

type Json = dict[str, Any]

PATH = "/v1/$batch"
TAG = "Many requests in one"
TAGS = {TAG: "OData's `$batch`"}

_TEXT: Json = {"type": "string"}
_HEADERS: Json = {"type": "object", "additionalProperties": _TEXT}
_ID: Json = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _wrapped(name: str, kind: str) -> Json:
    return {"type": "object", "required": [name], "properties": {name: {"$ref": f"#/components/schemas/{kind}"}}}


SCHEMAS: Json = {
    "Batch": {
        "type": "object",
        "description": "A batch in JSON (OData JSON Format 4.01, 19)",
        "required": ["requests"],
        "properties": {
            "requests": {
                "type": "array",
                "maxItems": LARGEST_BATCH,
                "items": {"$ref": "#/components/schemas/BatchRequestOfMany"},
            }
        },
    },
    "BatchRequestOfMany": {
        "type": "object",
        "required": ["id", "method", "url"],
        "properties": {
            "id": _ID,
            "method": {**_TEXT, "pattern": "^[A-Za-z]+$"},
            "url": {
                **_TEXT,
                "description": "Absolute, from the host's root, or from `/v1/` on; `$<id>` as its first segment stands "
                "for what an earlier request made",
            },
            "headers": _HEADERS,
            "body": {"description": "JSON, or a string where `content-type` is another; null for none"},
            "atomicityGroup": {**_ID, "description": "Requests of one group stand together: all happen, or none"},
            "dependsOn": {
                "type": "array",
                "items": _ID,
                "description": "Requests and groups before it, without whose success it is not made (424)",
            },
            "if": {
                **_TEXT,
                "description": "A condition without which it is not made (424): `$<id>/$succeeded`, `and`, `or`, "
                "`not`, brackets",
            },
        },
    },
    "BatchAnswers": {
        "type": "object",
        "required": ["responses"],
        "properties": {
            "responses": {"type": "array", "items": {"$ref": "#/components/schemas/BatchAnswerOfMany"}},
        },
    },
    "BatchAnswerOfMany": {
        "type": "object",
        "required": ["id", "status", "headers"],
        "properties": {
            "id": {"type": ["string", "null"]},
            "atomicityGroup": _TEXT,
            "status": {"type": "integer"},
            "headers": _HEADERS,
            "body": {"description": "JSON, or a string where `content-type` is another"},
        },
    },
    "ODataErrorOfVersion4": _wrapped("error", "ODataProblem"),
    "ODataProblem": _object(code=_TEXT, message=_TEXT),
    "ODataErrorOfVersion3": {
        **_wrapped("odata.error", "ODataProblemOfVersion3"),
        "description": "For clients of OData 1 to 3",
    },
    "ODataProblemOfVersion3": _object(code=_TEXT, message={"$ref": "#/components/schemas/ODataWords"}),
    "ODataWords": _object(lang=_TEXT, value=_TEXT),
}

REFUSAL: Json = {
    "anyOf": [
        {"$ref": "#/components/schemas/ODataErrorOfVersion4"},
        {"$ref": "#/components/schemas/ODataErrorOfVersion3"},
    ]
}
"""How requests are refused."""

_BATCHES = f"/api/v1/channel/{MARKETPLACE.pk}/batch_requests/"


def _http(first: str, body: str = "", *, id: str = "") -> str:
    head = ["Content-Type: application/http", *([f"Content-ID: {id}"] if id else []), "", first]
    return "\r\n".join([*head, *(["Content-Type: application/json"] if body else []), "", body])


def _multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


_OPENED = _http(f"POST {_BATCHES} HTTP/1.1", f'{{"channel": {MARKETPLACE.pk}}}', id="1")
_COMMITTED = _http("PATCH $1 HTTP/1.1", '{"status": "commit"}')
_LISTED = _http(f"GET {_BATCHES}?limit=1 HTTP/1.1")
_CHANGE_SET = "Content-Type: multipart/mixed; boundary=set\r\n\r\n" + _multipart("set", _OPENED, _COMMITTED)
_MADE = "HTTP/1.1 201 Created"


def item() -> Json:
    """The path's item."""
    body = {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Batch"},
            "examples": {
                "json": {
                    "summary": "JSON, with a group of which all happens or nothing",
                    "value": {
                        "requests": [
                            {
                                "id": "1",
                                "atomicityGroup": "g",
                                "method": "POST",
                                "url": _BATCHES,
                                "body": {"channel": MARKETPLACE.pk},
                            },
                            {
                                "id": "2",
                                "atomicityGroup": "g",
                                "method": "PATCH",
                                "url": "$1",
                                "body": {"status": "commit"},
                            },
                            {"id": "3", "method": "GET", "url": f"{_BATCHES}?limit=1", "dependsOn": ["g"]},
                        ]
                    },
                }
            },
        },
        "multipart/mixed": {
            "schema": _TEXT,
            "examples": {
                "flat": {
                    "summary": "multipart/mixed; boundary=batch, each part a request",
                    "value": _multipart("batch", _OPENED, _LISTED),
                },
                "nested": {
                    "summary": "multipart/mixed; boundary=batch, with a change set of which all happens or nothing",
                    "value": _multipart("batch", _CHANGE_SET, _LISTED),
                },
            },
        },
    }
    answers = {"multipart/mixed": {"schema": _TEXT, "example": _multipart("batchresponse_1", _http(_MADE, id="1"))}}
    refused = refusals.documented(HTTPStatus.OK, None, (400, 401, 413, 415), lambda _: REFUSAL)
    return {
        "post": {
            "tags": [TAG],
            "summary": "Many requests in one",
            "description": (
                f"Up to {LARGEST_BATCH} requests, to any route, in one of three forms: JSON (OData 4.01), or "
                "multipart, flat or with change sets (OData 3 and 4). Requests of a group or of a change set happen "
                "all together or not at all. Answered in the form that `Accept` and the versions ask for, else in the "
                "request's own; a multipart batch without any `Content-ID` as multipart."
            ),
            "operationId": "batch",
            "security": [{"Token": []}, {"ApiKey": []}],
            "parameters": [
                {
                    "name": "Prefer",
                    "in": "header",
                    "required": False,
                    "schema": _TEXT,
                    "description": "`continue-on-error`, or `odata.continue-on-error=false`",
                },
                {"name": "OData-Version", "in": "header", "required": False, "schema": _TEXT},
                {"name": "OData-MaxVersion", "in": "header", "required": False, "schema": _TEXT},
                {"name": "DataServiceVersion", "in": "header", "required": False, "schema": _TEXT},
                {"name": "MaxDataServiceVersion", "in": "header", "required": False, "schema": _TEXT},
            ],
            "requestBody": {"required": True, "content": body},
            "responses": {
                "200": {
                    "description": "The answers, in the requests' order",
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/BatchAnswers"}},
                        **answers,
                    },
                },
                "202": {"description": "The same, to clients of OData 1 to 3", "content": answers},
                **{str(status): told for status, told in refused.items() if status != HTTPStatus.OK},
            },
        }
    }
