"""What AWS hands to Lambda functions: requests of API Gateway, records of SQS, S3 and DynamoDB, schedules.

Names and moments that AWS would make up follow from what an event is about: the same event comes out each time.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

from batchyard.http.caller import Caller

Event = dict[str, Any]

STAGE = "prod"
MOMENT = datetime(2025, 9, 15, 8, 20, tzinfo=UTC)
"""When all of it happens."""

_ACCOUNT = "123456789012"
_REGION = "eu-central-1"
_API = "a1b2c3d4e5"
HOST = f"{_API}.execute-api.{_REGION}.amazonaws.com"
STAGE_ARN = f"arn:aws:execute-api:{_REGION}:{_ACCOUNT}:{_API}/{STAGE}"
_BUCKET = "batchyard-contentbucket-1a2b3c4d5e6f"
_CLIENT = "203.0.113.7"
_USER_AGENT = "python-requests/2.32.5"


# API Gateway: a REST API with Lambda proxy integration.


def request(
    method: str,
    resource: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
    caller: Caller | None = None,
) -> Event:
    """A request to a route.

    Args:
        method: The HTTP method.
        resource: The route's path, with parameters in braces.
        url: Path and query as sent, without the stage.
        headers: What the client sends; they go before those that API Gateway would add.
        body: As sent; bytes where the API takes its media type for a binary one.
        caller: Whom the authorizer let in; None for nobody.
    """
    parts = urlsplit(url)
    path = parts.path
    query: dict[str, list[str]] = {}
    # API Gateway takes a semicolon for the end of a parameter.
    for name, value in parse_qsl(parts.query.replace(";", "&"), keep_blank_values=True):
        query.setdefault(name, []).append(value)
    parameters = path_parameters(resource, path) or {}
    sent = _headers(headers or {}, path)
    context = _request_context(method, resource, path)
    if caller is not None:
        context["authorizer"] = {**caller.to_context(), "principalId": caller.user, "integrationLatency": 41}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {name: unquote(value) for name, value in parameters.items()} or None,
        "stageVariables": None,
        "requestContext": context,
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def authorization(asked: Event) -> Event:
    """What a REQUEST authorizer is asked before a request goes on to its route."""
    maps = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
    same = ("resource", "path", "httpMethod", "headers", "multiValueHeaders")
    context = {name: value for name, value in asked["requestContext"].items() if name != "authorizer"}
    return {
        "type": "REQUEST",
        "methodArn": method_arn(asked),
        **{name: asked[name] for name in same},
        **{name: asked[name] or {} for name in maps},
        "requestContext": context,
    }


def method_arn(asked: Event) -> str:
    """The ARN by which a policy speaks of a request."""
    path = asked["path"].rstrip("/")
    return f"{STAGE_ARN}/{asked['httpMethod']}{path}"


def path_parameters(resource: str, path: str) -> dict[str, str] | None:
    """The parameters of a path, as sent; None where it is no path of this resource."""
    found = _pattern(resource).fullmatch(path)
    return found and found.groupdict()


@cache
def _pattern(resource: str) -> re.Pattern[str]:
    greedy = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+?)", resource)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", greedy) + "/*")


def _headers(sent: Mapping[str, str], path: str) -> dict[str, str]:
    added = {
        "Host": HOST,
        "User-Agent": _USER_AGENT,
        "X-Amzn-Trace-Id": f"Root=1-{int(MOMENT.timestamp()):08x}-{_hex(path, 24)}",
        "X-Forwarded-For": _CLIENT,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    names = {name.lower() for name in sent}
    return {**sent, **{name: value for name, value in added.items() if name.lower() not in names}}


def _request_context(method: str, resource: str, path: str) -> Event:
    return {
        "resourceId": _hex(resource, 6),
        "resourcePath": resource,
        "httpMethod": method,
        "extendedRequestId": f"{_hex(path, 11)}EA=",
        "requestTime": f"{MOMENT:%d/%b/%Y:%H:%M:%S} +0000",
        "path": f"/{STAGE}{path}",
        "accountId": _ACCOUNT,
        "protocol": "HTTP/1.1",
        "stage": STAGE,
        "domainPrefix": _API,
        "requestTimeEpoch": int(MOMENT.timestamp()) * 1000,
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
            "userAgent": _USER_AGENT,
            "user": None,
        },
        "domainName": HOST,
        "deploymentId": "d1e2f3",
        "apiId": _API,
    }


# SQS, and what S3 sends there.


def queue(name: str, *bodies: str) -> Event:
    """Messages of a queue of the stack, by its logical ID."""
    return {"Records": [message(body, f"batchyard-{name}-1A2B3C4D5E6F") for body in bodies]}


def message(body: str, queue: str = "queue", id: str | None = None) -> Event:
    """One message as a record of an event.

    Args:
        body: Its text.
        queue: The name of the queue that it was in.
        id: What the function names it by if it is to be delivered again; None for one that follows from the text.
    """
    moment = str(int(MOMENT.timestamp()) * 1000)
    return {
        "messageId": id or _uuid(f"{queue} {body}"),
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
        "eventSourceARN": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{queue}",
        "awsRegion": _REGION,
    }


def stored(key: str, content: str = "") -> str:
    """The body of S3's message about a new object."""
    notified = {
        "key": quote_plus(key, safe="/"),
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


def stored_nothing() -> str:
    """The body of the message by which S3 tries whether a new notification gets through."""
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": _iso(), "Bucket": _BUCKET}
    return json.dumps({**test, "RequestId": "5CB6C3A0F1E2D4B7", "HostId": _hex("host", 40)})


# DynamoDB.


def stream(table: str, *changes: Event) -> Event:
    """Changes of a table of the stack, by its logical ID."""
    arn = f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/batchyard-{table}-1A2B3C4D5E6F/stream/2025-09-01T06:00:00.000"
    return {"Records": [{**change, "eventSourceARN": arn} for change in changes]}


def change(
    number: int,
    key: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    moment: int = int(MOMENT.timestamp()),
) -> Event:
    """A change of an item as a record of an event, with both images.

    Args:
        number: Its place in the stream.
        key: The item's key, with DynamoDB's types, as the images have them.
        before: What the item was; None if it is new.
        after: What the item is now; None if it was removed.
        moment: When it happened: seconds.
    """
    both = (("NewImage", after), ("OldImage", before))
    images = {name: _wired(image) for name, image in both if image}
    return {
        "eventID": _hex(f"change {number}", 32),
        "eventName": "INSERT" if not before else "MODIFY" if after else "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": _REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": moment,
            "Keys": _wired(key),
            **images,
            "SequenceNumber": f"{4421584500000000017450439091 + 7 * number}",
            "SizeBytes": len(json.dumps(images)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def _wired(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they travel in JSON: bytes in base64."""
    return {
        name: {"B": base64.b64encode(typed["B"]).decode()} if "B" in typed else dict(typed)
        for name, typed in attributes.items()
    }


# EventBridge Scheduler.


def schedule(name: str) -> Event:
    """What a function gets whose schedule has no input of its own."""
    return {
        "version": "0",
        "id": _uuid(name),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": _ACCOUNT,
        "time": f"{MOMENT:%Y-%m-%dT%H:%M:%SZ}",
        "region": _REGION,
        "resources": [f"arn:aws:scheduler:{_REGION}:{_ACCOUNT}:schedule/default/{name}"],
        "detail": "{}",
    }


# What AWS makes up.


def _hex(seed: str, length: int) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:length]


def _uuid(seed: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _iso() -> str:
    return f"{MOMENT:%Y-%m-%dT%H:%M:%S}.000Z"
