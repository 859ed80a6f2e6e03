"""The sample events of routes as requests that can be sent otherwise: with another method, more headers, in a batch."""

import base64
import importlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from batchyard.http.caller import Caller
from batchyard.store import clients
from tests.support import aws
from tests.support.api import EVERYTHING, Answer, Api
from tests.support.batch import run_json
from tools import sample_world
from tools.samples import SAMPLES
from tools.template import route_of


def load_world(stores: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample world on moto, and the queues that functions send to."""
    aws.create_queues(dict(stores))
    for variable, value in {**stores, **sample_world.VARIABLES}.items():
        monkeypatch.setenv(variable, value)
    sample_world.load()


def named(*methods: str, in_batches: bool = False) -> list[str]:
    """The names of the samples of routes with one of these methods, one for each route.

    Args:
        in_batches: Only those that a batch can make.
    """
    found = []
    for name, sample in SAMPLES.items():
        package, event = name.partition("/")[0], sample.event
        if "." in name or package in {"gateway", "odata"} or event.get("type") == "REQUEST":
            continue
        if event.get("httpMethod") in methods and not (in_batches and not _works_in_batches(name)):
            found.append(name)
    return found


def alone(name: str, method: str | None = None, **headers: str) -> Answer:
    """The answer to a sample's request.

    Args:
        name: The sample.
        method: Another method than its own.
        headers: More headers; underscores in their names are hyphens.
    """
    event = SAMPLES[name].event
    # As its client sent it, but for what the gateway and the body's form add.
    given = {"Content-Type": _sent(event, "Content-Type"), "Idempotency-Key": _sent(event, "Idempotency-Key")}
    sent = {key: value for key, value in given.items() if value is not None} | _hyphenated(headers)
    text = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    return Api(_caller(event))(method or event["httpMethod"], url_of(event), text=text, headers=sent)


def in_a_batch(name: str, method: str | None = None, **headers: str) -> dict[str, Any]:
    """The answer to a sample's request as the only one of a batch in JSON."""
    event = SAMPLES[name].event
    asked = {"id": "1", "method": method or event["httpMethod"], "url": url_of(event), "headers": _hyphenated(headers)}
    if event["body"] is not None:
        asked |= {"body": json.loads(event["body"])}
    [answer] = run_json(Api(_caller(event) or EVERYTHING), asked)
    return answer


def url_of(event: Mapping[str, Any]) -> str:
    """The path and query of an event."""
    query = urlencode(event["multiValueQueryStringParameters"] or {}, doseq=True)
    return str(event["path"]) + (f"?{query}" if query else "")


def contents(stores: Mapping[str, str]) -> dict[str, Any]:
    """All that is stored, but for counters, replies and cursors."""
    found: dict[str, Any] = {}
    for variable, table in stores.items():
        if variable.endswith("_TABLE") and variable != "EPHEMERA_TABLE":
            items = clients.dynamodb().scan(TableName=table)["Items"]
            found[variable] = sorted(map(str, items))
    listed = clients.s3().list_objects_v2(Bucket=stores["CONTENT_BUCKET"]).get("Contents", ())
    found["objects"] = sorted(one["Key"] for one in listed)
    return found


def _caller(event: Mapping[str, Any]) -> Caller | None:
    context = event["requestContext"].get("authorizer")
    return None if context is None else Caller.from_context(context)


def _hyphenated(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _sent(event: Mapping[str, Any], name: str) -> str | None:
    return next((value for key, value in event["headers"].items() if key.lower() == name.lower()), None)


def _works_in_batches(name: str) -> bool:
    event = SAMPLES[name].event
    handler = route_of(event["httpMethod"], event["path"]).handler.removesuffix(".handler")
    return not hasattr(importlib.import_module(handler), "OUTSIDE_BATCHES")
