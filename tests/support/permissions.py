"""What functions do is what their policies permit: each call that a handler makes in a test is compared with them.

Calls are compared by the actions and resources that AWS would ask for:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any

from tools.template import api_methods, resources, template

USED: set[tuple[str, str]] = set()
"""Functions and what they did, as `action place`."""

REFUSED: list[str] = []
"""What functions did that they may not."""

NEVER_SEEN = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")
"""What Lambda does in a function's name, where a stream is mapped to it."""

_BY_LAMBDA = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_S3 = {
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
_IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "ConditionCheck": "ConditionCheckItem",
}

_acting: ContextVar[str | None] = ContextVar("function that acts", default=None)


@contextmanager
def acting(handler: str) -> Iterator[None]:
    """Whatever is called within this, a handler calls: `channels.list.handler`."""
    token = _acting.set(_functions().get(handler))
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def by_the_test() -> Iterator[None]:
    """Whatever is called within this, no handler calls, though one is at work."""
    token = _acting.set(None)
    try:
        yield
    finally:
        _acting.reset(token)


def watch(client: Any) -> Any:
    """The client, whose calls are compared from here on."""
    client.meta.events.register("before-parameter-build", _compare)
    return client


@cache
def watch_triggers() -> None:
    """Functions that no route leads to act in their own names from here on, whoever calls their handlers.

    Tests call them as plain functions, where those of routes are called by the client.
    """
    routed = {one.function for one in api_methods()}
    for handler, function in _functions().items():
        if function not in routed:
            module, _, name = handler.rpartition(".")
            loaded = importlib.import_module(module)
            setattr(loaded, name, _in_its_name(handler, getattr(loaded, name)))


def powers(function: str) -> set[str]:
    """What a function may do, as `action place`."""
    return {
        f"{action} {resource.get('Sub') or _target(resource)}"
        for policy in resources("AWS::Serverless::Function")[function].get("Policies", [])
        for statement in policy["Statement"]
        for action in _as_list(statement["Action"])
        for resource in _as_list(statement["Resource"])
    }


def unused(used: set[tuple[str, str]]) -> list[str]:
    """What functions may do and did not, of what a test can see."""
    found = []
    for function in sorted(resources("AWS::Serverless::Function")):
        for power in sorted(powers(function)):
            action, place = power.split(" ", 1)
            if action in NEVER_SEEN or action in _BY_LAMBDA or "/aws/lambda/" in place:
                continue
            # The local engine asks for it; it tells 404 from 403; a form is signed without a call; a batch does what
            # its requests do alone.
            if action in ("sqs:SendMessageBatch", "s3:ListBucket") or "/uploads/" in place:
                continue
            if function != "ODataServiceFunction" and (function, power) not in used:
                found.append(f"{function} {power}")
    return found


def _in_its_name(handler: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def acts(*arguments: Any, **options: Any) -> Any:
        with acting(handler):
            return call(*arguments, **options)

    return acts


def _compare(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    function = _acting.get()
    if function is None:
        return
    for power in _asked(model.service_model.service_name, model.name, params):
        USED.add((function, power))
        if power not in powers_of(function):
            REFUSED.append(f"{function} may not {power}")


powers_of = cache(powers)


def _asked(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[str]:
    match service:
        case "dynamodb":
            for action, table, index in _of_dynamodb(operation, params):
                logical = _named(table)
                yield f"dynamodb:{action} " + (f"${{{logical}.Arn}}/index/{index}" if index else logical)
        case "s3" if "Key" in params:
            kind = str(params["Key"]).partition("/")[0]
            version = "Version" if "VersionId" in params else ""
            yield f"s3:{_S3.get(operation, operation)}{version} ${{ContentBucket.Arn}}/{kind}/*"
        case "sqs":
            yield f"sqs:{operation.removesuffix('Batch')} {_named(params['QueueUrl'])}"
        case "events":
            for entry in params["Entries"]:
                yield f"events:{operation} {_named(entry['EventBusName'])}"
        case "secretsmanager":
            yield f"secretsmanager:{operation} {_named(params['SecretId'])}"


def _of_dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    if operation.startswith("Transact"):
        for one in params["TransactItems"]:
            [(kind, request)] = one.items()
            yield _IN_TRANSACTIONS[kind], request["TableName"], None
    elif operation.startswith("Batch"):
        for table in params["RequestItems"]:
            yield operation, table, None
    else:
        yield operation, params["TableName"], params.get("IndexName")


def _named(value: str) -> str:
    """The logical ID of what the functions' environment calls so."""
    for variable, reference in template()["Globals"]["Function"]["Environment"]["Variables"].items():
        if os.environ.get(variable) == value:
            return _target(reference)
    return value


@cache
def _functions() -> dict[str, str]:
    return {one["Handler"]: name for name, one in resources("AWS::Serverless::Function").items()}


def _target(reference: Mapping[str, str]) -> str:
    return str(reference.get("Ref") or reference["GetAtt"]).partition(".")[0]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
