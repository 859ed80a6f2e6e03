"""The API as a client sees it: a request becomes an API Gateway event, a function answers it, in this process."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from batchyard.http.caller import Caller
from batchyard.scope import Scope
from tests.support import permissions
from tests.support.documented import must_be_documented
from tools import aws_events
from tools.aws_events import HOST, STAGE
from tools.template import route_of

EVERYTHING = Caller("tester", "tok_tests", Scope(admin=True))


def caller_with(user: str, token: str, **scope: Any) -> Caller:
    """A caller who may do what is given and nothing else."""
    nothing = {"writes": False, "channels": frozenset(), "collections": frozenset(), "catalogue": "none"}
    return Caller(user, token, Scope(**{**nothing, **scope}))


def narrowed(token: str = EVERYTHING.token, **scope: Any) -> Caller:
    """The caller who may do everything, with another scope in what is given."""
    return EVERYTHING._replace(token=token, scope=EVERYTHING.scope._replace(**scope))


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Front:
    """Where clients reach the API, and what its events tell about that.

    Args:
        base: What clients put before the API's own paths.
        path_prefix: What comes before the API's own path in an event's `path`.
        context_prefix: The same in `requestContext.path`; None where that holds the resource instead.
        protocol: What `X-Forwarded-Proto` says.
        host: What `Host` says.
    """

    base: str = f"https://{HOST}/{STAGE}"
    path_prefix: str = ""
    context_prefix: str | None = f"/{STAGE}"
    protocol: str = "https"
    host: str = HOST


DEFAULT_DOMAIN = Front()
CUSTOM_DOMAIN = Front(
    base="https://api.example.com/yard/v2", path_prefix="/yard/v2", context_prefix="/yard/v2", host="api.example.com"
)
# `sam local start-api` has no stage in its paths, and gives the resource where AWS gives the path.
SAM_LOCAL = Front(base="http://127.0.0.1:3000", context_prefix=None, protocol="http", host="127.0.0.1:3000")


class Api:
    """A client of the API.

    Args:
        caller: Whose token it sends; None for no token.
        front: How it reaches the API.
    """

    def __init__(self, caller: Caller | None = EVERYTHING, front: Front = DEFAULT_DOMAIN) -> None:
        self.caller = caller
        self.front = front

    def __call__(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        text: str | bytes | None = None,
    ) -> Answer:
        """Sends a request.

        Args:
            method: The HTTP method.
            url: A path with a query, or an absolute URL of this API.
            body: What to send as JSON.
            headers: More headers.
            text: What to send as it is, instead of `body`; bytes of a binary media type.
        """
        event, handler = self.event(method, url, body, headers=headers, text=text)
        answer = invoke(handler, event)
        must_be_documented(method, event["resource"], urlsplit(url.removeprefix(self.front.base)).path, answer)
        return answer

    def event(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        text: str | bytes | None = None,
    ) -> tuple[dict[str, Any], str]:
        """The event of a request, and the handler that API Gateway would give it to."""
        if not url.startswith("/"):
            # Followed as it is: it must lead here.
            assert url.startswith(f"{self.front.base}/"), f"{url} does not begin with {self.front.base}"
            url = url.removeprefix(self.front.base)
        path = urlsplit(url).path
        route = route_of(method, path)
        payload = text if text is not None else None if body is None else json.dumps(body)
        sent = {"Host": self.front.host, "X-Forwarded-Proto": self.front.protocol, **(headers or {})}
        if payload is not None and "content-type" not in {name.lower() for name in sent}:
            sent["Content-Type"] = "application/json"
        event = aws_events.request(method, route.path, url, headers=sent, body=payload, caller=self.caller)
        event["path"] = f"{self.front.path_prefix}{path}"
        prefix = self.front.context_prefix
        event["requestContext"]["path"] = route.path if prefix is None else f"{prefix}{path}"
        event["requestContext"]["domainName"] = self.front.host
        return event, route.handler

    def get(self, url: str, **options: Any) -> Answer:
        """GET."""
        return self("GET", url, **options)

    def post(self, url: str, body: Any = None, **options: Any) -> Answer:
        """POST."""
        return self("POST", url, body, **options)

    def put(self, url: str, body: Any = None, **options: Any) -> Answer:
        """PUT."""
        return self("PUT", url, body, **options)

    def patch(self, url: str, body: Any = None, **options: Any) -> Answer:
        """PATCH."""
        return self("PATCH", url, body, **options)

    def delete(self, url: str, **options: Any) -> Answer:
        """DELETE."""
        return self("DELETE", url, **options)

    # What most tests begin with.

    def open_channel(self, name: str = "Marketplace", **fields: Any) -> int:
        """A new channel's primary key."""
        made = self.post("/api/v1/channels/", {"name": name, **fields})
        assert made.status == 201, made.text
        return int(made.json()["pk"])

    def open_batch(self, channel: int, **fields: Any) -> dict[str, Any]:
        """A new batch request, with fields of its own where given."""
        made = self.post(batches(channel), {"channel": channel})
        assert made.status == 201, made.text
        if not fields:
            return dict(made.json())
        changed = self.patch(batches(channel, made.json()["pk"]), fields)
        assert changed.status == 200, changed.text
        return dict(changed.json())


class Somebody(Api):
    """A client without a token, at an address of its own."""

    def __init__(self, source: str) -> None:
        super().__init__(None)
        self._source = source

    def event(self, *arguments: Any, **options: Any) -> tuple[dict[str, Any], str]:
        event, handler = super().event(*arguments, **options)
        event["requestContext"]["identity"]["sourceIp"] = self._source
        return event, handler


def batches(channel: int, pk: int | None = None, rest: str = "") -> str:
    """The path of a channel's batch requests, or of one of them."""
    return f"/api/v1/channel/{channel}/batch_requests/" + ("" if pk is None else f"{pk}/") + rest


def invoke(handler: str, event: Mapping[str, Any]) -> Answer:
    """What a handler makes of an event, as API Gateway would answer it."""
    module, _, name = handler.rpartition(".")
    with permissions.acting(handler):
        result = getattr(importlib.import_module(module), name)(event, Context())
    headers = {**(result.get("headers") or {})}
    for header, values in (result.get("multiValueHeaders") or {}).items():
        headers[header] = ", ".join(values)
    return Answer(result["statusCode"], _AnyCase(headers), result.get("body") or "")


class Context:
    """A Lambda context."""

    function_name = "tests"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:tests"
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 900_000


class _AnyCase(dict[str, str]):
    """Headers, found by their names in any case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())
