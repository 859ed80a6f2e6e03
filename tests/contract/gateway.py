"""API Gateway in front of the functions, in this process: routes, their authorizers, and its own answers.

What a client sends becomes the event that API Gateway would make of it; what a function answers must be something that
Lambda can carry and that the OpenAPI document tells of. Clients reach it as a WSGI application.
"""

import fnmatch
import gzip
import importlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from batchyard.identity import token_cache
from tests.support.api import DEFAULT_DOMAIN, Answer, Api, Context, Front, invoke
from tests.support.documented import must_be_documented
from tools import aws_events
from tools.template import api_methods, binary_media_types, resources

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LARGEST_REQUEST = 10 * 1024 * 1024
"""Bytes of a body that API Gateway takes."""

LARGEST_EVENT = 6_291_456
"""Bytes of an event that Lambda takes, as JSON: of a body, quotes and line ends count twice.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

LONGEST_ARN = 1600
"""Bytes of a method's ARN, path and all.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""

REMAPPED = "www-authenticate"
"""A header of a function's answer that clients get as `x-amzn-Remapped-WWW-Authenticate`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

_REFUSED_IN_QUERIES = frozenset("|{}")


@dataclass
class Gateway:
    """The service as its clients reach it.

    Args:
        front: How clients reach it.
        answered: How many requests it has answered, by operation and status.
    """

    front: Front = DEFAULT_DOMAIN
    answered: dict[tuple[str, int], int] = field(default_factory=dict)
    _policies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answers a WSGI request."""
        # `PATH_INFO` has its escapes undone; not every server tells how it was sent.
        path = environ.get("REQUEST_URI", "").partition("?")[0] or quote(environ["PATH_INFO"].encode("latin-1"))
        query = environ.get("QUERY_STRING", "")
        answer = self.request(
            environ["REQUEST_METHOD"],
            path.removeprefix(urlsplit(self.front.base).path) + (f"?{query}" if query else ""),
            list(_headers(environ)),
            # What comes in chunks has no length, and an end that the server sees to.
            environ["wsgi.input"].read(
                -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
            ),
        )
        content = answer.text.encode()
        headers = [(name, value) for name, value in answer.headers.items() if name != "content-length"]
        try:
            phrase = HTTPStatus(answer.status).phrase
        except ValueError:
            raise AssertionError(f"{answer.status} is no status of HTTP") from None
        start_response(f"{answer.status} {phrase}", [*headers, ("Content-Length", str(len(content)))])
        return [content]

    def request(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> Answer:
        """What a client gets.

        Args:
            method: The HTTP method.
            target: Path and query, as sent.
            headers: The request's headers, in their order.
            body: The request's body.
        """
        if _REFUSED_IN_QUERIES & set(target.partition("?")[2]):
            # Before it knows an API, so in no words of ours.
            return Answer(HTTPStatus.BAD_REQUEST, {}, "")
        single = dict(headers)
        unpacked = _unpacked(body, single)
        body = unpacked or b""
        media_type = next((value for name, value in headers if name.lower() == "content-type"), "")
        text: str | bytes | None = body or None
        if media_type.partition(";")[0].strip().lower() not in binary_media_types():
            # API Gateway hands on any other body as text.
            text = body.decode(errors="replace") if body else None
        event, handler = Api(None, self.front).event(method, target, headers=single, text=text)
        if text is not None and not any(name.lower() == "content-type" for name in single):
            del event["headers"]["Content-Type"]
        event["multiValueHeaders"] = {
            name: [line for other, line in headers if other == name] or [value]
            for name, value in event["headers"].items()
        }
        if len(aws_events.method_arn(event).encode()) > LONGEST_ARN:
            return _own("DEFAULT_4XX", HTTPStatus.REQUEST_URI_TOO_LONG)
        if unpacked is None:
            refused: Answer | None = _own("UNSUPPORTED_MEDIA_TYPE", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        elif len(body) > LARGEST_REQUEST or len(json.dumps(event, ensure_ascii=False).encode()) > LARGEST_EVENT:
            refused = _own("REQUEST_TOO_LARGE", HTTPStatus.CONTENT_TOO_LARGE)
        else:
            guards, path = _authorizers(), event["resource"]
            # A method of its own goes before ANY.
            refused = self._authorize(event, guards.get((path, method)) or guards[path, "ANY"])
        answer = refused or _invoke(handler, event)
        operation = must_be_documented(method, event["resource"], target.partition("?")[0], answer)
        key = (operation, answer.status)
        self.answered[key] = self.answered.get(key, 0) + 1
        return answer

    def forget(self) -> None:
        """Lets the cached answers of the authorizers lapse, and what they keep themselves."""
        self._policies.clear()
        token_cache.reset()

    def _authorize(self, event: dict[str, Any], authorizer: str) -> Answer | None:
        """Lets a route's authorizer look at an event; returns the refusal, if it is one."""
        match authorizer:
            case "NONE":
                return None
            case "KeyAuthorizer":
                # Without identity sources API Gateway can keep no answers.
                policy = _ask("identity.key_authorizer.handler", event)
            case _:
                authorization = next((v for name, v in event["headers"].items() if name.lower() == "authorization"), "")
                unauthorized = _own("UNAUTHORIZED", HTTPStatus.UNAUTHORIZED)
                if not authorization:
                    return unauthorized
                if authorization not in self._policies:
                    try:
                        self._policies[authorization] = _ask("identity.authorizer.handler", event)
                    except Exception as error:
                        assert str(error) == "Unauthorized", "the authorizer fails"  # noqa: PT017 (nothing else is a refusal)
                        return unauthorized
                policy = self._policies[authorization]
        (statement,) = policy["policyDocument"]["Statement"]
        # A kept policy is asked about every route, so it must cover them all.
        assert fnmatch.fnmatchcase(aws_events.method_arn(event), statement["Resource"])
        if statement["Effect"] != "Allow":
            return _own("ACCESS_DENIED", HTTPStatus.FORBIDDEN)
        context: Mapping[str, Any] = policy["context"]
        assert all(isinstance(value, str) for value in context.values())
        event["requestContext"]["authorizer"] = {**context, "principalId": policy["principalId"]}
        return None


def _unpacked(body: bytes, headers: Mapping[str, str]) -> bytes | None:
    """A body as API Gateway hands it on; None where it has another coding than it says, or one of no known ones."""
    coding = next((value for name, value in headers.items() if name.lower() == "content-encoding"), "identity")
    try:
        match coding if body else "identity":
            case "identity":
                return body
            case "gzip":
                return gzip.decompress(body)
            case "deflate":
                return zlib.decompress(body)
    except (OSError, zlib.error):
        pass
    return None


def _ask(handler: str, event: dict[str, Any]) -> dict[str, Any]:
    """The policy that an authorizer answers to an event."""
    module, _, name = handler.rpartition(".")
    ask = getattr(importlib.import_module(module), name)
    policy: dict[str, Any] = ask(aws_events.authorization(event), Context())
    return policy


def _invoke(handler: str, event: dict[str, Any]) -> Answer:
    answer = invoke(handler, event)
    # Lambda carries the answer as UTF-8, up to 6 MB of it.
    carried = json.dumps({"headers": dict(answer.headers), "body": answer.text}, ensure_ascii=False).encode()
    assert len(carried) <= LARGEST_EVENT
    if REMAPPED not in answer.headers:
        return answer
    remapped = {
        f"x-amzn-remapped-{name}" if name == REMAPPED else name: value for name, value in answer.headers.items()
    }
    return Answer(answer.status, remapped, answer.text)


@cache
def _authorizers() -> dict[tuple[str, str], str]:
    """The authorizer that stands before a route, by its path and method; `NONE` for a public one."""
    return {(one.path, one.method): one.authorizer for one in api_methods()}


def _own(kind: str, standard: int) -> Answer:
    """What API Gateway answers by itself, as the template words it."""
    (api,) = resources("AWS::Serverless::Api").values()
    response = api["GatewayResponses"][kind]
    headers = {
        name.lower(): value.strip("'")
        for name, value in response.get("ResponseParameters", {}).get("Headers", {}).items()
    }
    body = response["ResponseTemplates"]["application/json"]
    for variable, value in {"messageString": json.dumps("in words"), "responseType": kind}.items():
        body = body.replace(f"$context.error.{variable}", value)
    return Answer(int(response.get("StatusCode", standard)), {"content-type": "application/json", **headers}, body)


def _headers(environ: "WSGIEnvironment") -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name.removeprefix("HTTP_").replace("_", "-").title(), value
        elif name == "CONTENT_TYPE" and value:
            yield "Content-Type", value
