"""Samples of `$batch`: all or nothing in JSON, what comes of an error there, and the multipart form."""

import re

from tools import sample_world as world
from tools.samples import looks
from tools.samples.batch_requests import BATCHES, path, whole
from tools.samples.sample import http, route

_BATCH = "/v1/$batch"
_OPENING = {
    "id": "new",
    "atomicityGroup": "load",
    "method": "POST",
    "url": BATCHES,
    "body": {"channel": world.MARKETPLACE.pk},
}
_SEEING = {"id": "see", "dependsOn": ["load"], "method": "GET", "url": path(world.SENT)}
_PARTS = (
    [f"GET {path(world.COMMITTED)} HTTP/1.1", "Accept: application/json", "", ""],
    [f"PATCH {path(world.DONE)} HTTP/1.1", "Content-Type: application/json", "", '{"status":"done"}'],
)
_HEAD = ["--changeset", "Content-Type: application/http", "Content-Transfer-Encoding: binary", ""]

_ENTITY = f"/v1/Products({world.STOCKED.id})"
_SHOWN = "ID,Sku,Title,ParentProductID,TotalAvailableQuantity"
_OF_STOCKED = (
    f'"ID":{world.STOCKED.id},"Sku":"SAMPLE-42","Title":null,'
    f'"TotalAvailableQuantity":12,"ParentProductID":{world.BOOTS.parent}'
)
_ODATA = "application/json; odata.metadata=minimal; odata.streaming=true"

SAMPLES = {
    "service": route(
        "POST",
        _BATCH,
        http(
            200,
            {
                "responses": [
                    {"id": "new", "status": 201, "body": {"status": "initialized"}},
                    {"id": "fill", "status": 200, "body": {"status": "commit", "objects": [{"pk": 401}]}},
                    {"id": "see", "status": 200, "body": whole(world.SENT)},
                    {"id": "none", "status": 404},
                ]
            },
            odata_version="4.01",
        ),
        looks.how_many,
        5,
        body={
            "requests": [
                _OPENING,
                {
                    "id": "fill",
                    "atomicityGroup": "load",
                    "method": "PATCH",
                    "url": "$new",
                    "body": {"status": "commit", "objects": [{"pk": 401, "content_type": "stock"}]},
                },
                _SEEING,
                {"id": "none", "method": "GET", "url": "/api/v1/products/"},
            ]
        },
    ),
    "service.undone": route(
        "POST",
        _BATCH,
        http(
            200,
            {
                "responses": [
                    {"id": "new", "atomicityGroup": "load", "status": 424},
                    {"id": "wrong", "atomicityGroup": "load", "status": 400, "body": {"status": list}},
                    {"id": "see", "status": 424},
                ]
            },
        ),
        looks.how_many,
        4,
        body={
            "requests": [
                _OPENING,
                {
                    "id": "wrong",
                    "atomicityGroup": "load",
                    "method": "PATCH",
                    "url": path(world.OPENED),
                    "body": {"status": "ongoing"},
                },
                _SEEING,
            ]
        },
        repeatable=True,
    ),
    "service.multipart": route(
        "POST",
        _BATCH,
        http(
            200,
            re.compile(
                ".+\r\n"
                + f"HTTP/1.1 200 OK\r\n.+{re.escape(world.COMMITTED.to_json())}\r\n.+"
                + f"HTTP/1.1 200 OK\r\n.+{re.escape(world.DONE.to_json())}\r\n.+",
                re.DOTALL,
            ),
            content_type=re.compile("multipart/mixed; boundary=batchresponse_.+"),
        ),
        looks.batch(world.DONE),
        world.DONE,
        text="\r\n".join([line for part in _PARTS for line in (*_HEAD, *part)] + ["--changeset--", ""]),
        headers={"Accept": "multipart/mixed", "Content-Type": "multipart/mixed; boundary=changeset"},
        repeatable=True,
    ),
    "service.product": route(
        "GET",
        f"{_ENTITY}?$select={_SHOWN}",
        http(
            200,
            re.compile(r'\{"@odata\.context":"[^"]+/\$entity",' + re.escape(_OF_STOCKED) + r"\}"),
            content_type=_ODATA,
            odata_version="4.0",
        ),
        repeatable=True,
    ),
    "service.products": route(
        "GET",
        f"/v1/Products?$filter=ID%20in%20({world.STOCKED.id},1)&$select={_SHOWN}",
        http(200, re.compile(r'\{[^\[]+"value":\[\{' + re.escape(_OF_STOCKED) + r"\}\]\}"), content_type=_ODATA),
        repeatable=True,
    ),
    "service.attributes": route(
        "POST",
        f"{_ENTITY}/UpdateAttributes",
        http(204, odata_version="4.0"),
        looks.attributes(world.STOCKED.id),
        {"Size": "42"},
        body={"Value": {"Attributes": [{"Name": "Size", "Value": "42"}]}},
        repeatable=True,
    ),
}
