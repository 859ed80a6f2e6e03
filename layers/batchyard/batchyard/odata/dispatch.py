"""Requests of a batch, answered by the very handlers that answer them alone.

Each request becomes the API Gateway event that it would have been by itself, with the caller of the batch: same
validation, same authorization, same answer. A handler is imported when the first request needs it.

A handler's module may say two things about itself: `OUTSIDE_BATCHES`, a sentence for routes that cannot be called
inside a batch, and `reads(parameters)`, the items that a read will ask the store for, so that neighbours are read at
once.
"""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from batchyard.errors import BatchyardError, Malformed, Unavailable
from batchyard.http import odata
from batchyard.http.limits import COUNTED
from batchyard.http.routes import Route, Routes
from batchyard.http.urls import base_url, header
from batchyard.odata.answers import PartAnswer
from batchyard.odata.envelope import READS, PartRequest
from batchyard.store.items import Key
from batchyard.store.tables import Table
from batchyard.store.unit import reading_ahead

ROOT = "/v1/"
"""What relative URLs are relative to."""

_NOT_A_PARTS_BUSINESS = frozenset(
    {"authorization", "host", "forwarded", "content-length", "connection", "transfer-encoding", "x-api-key"}
)
_REFERENCE = re.compile(r"\$([^/?#]+)(.*)", re.DOTALL)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


class Dispatcher:
    """Answers the requests of one batch.

    Args:
        event: The API Gateway event of the batch.
        context: Its Lambda context.
        routes: What the service serves.
        version3: Errors of the batch itself are worded as OData 3 has them.
    """

    def __init__(self, event: Mapping[str, Any], context: Any, routes: Routes, *, version3: bool = False) -> None:
        self.event = event
        self.context = context
        self.version3 = version3
        self.base = urlsplit(base_url(event))
        self.routes = routes

    def send(self, request: PartRequest, located: dict[str, str]) -> PartAnswer:
        """The answer of a request's own handler.

        Args:
            request: The request.
            located: What `$<Content-ID>` in a URL stands for.
        """
        try:
            route, path, query = self._target(request, located)
            module = importlib.import_module(route.module)
            refusal = getattr(module, "OUTSIDE_BATCHES", None)
            if refusal is not None:
                raise Malformed(refusal)
            body = request.body.decode()
        except UnicodeDecodeError:
            return self.refuse(Malformed("The body is not UTF-8."), request.content_id)
        except BatchyardError as error:
            return self.refuse(error, request.content_id)
        result = module.handler(self._event(request, route, path, query, body), self.context)
        headers = dict(result.get("headers") or {})
        headers.update({name: ", ".join(values) for name, values in (result.get("multiValueHeaders") or {}).items()})
        status, text = result["statusCode"], result.get("body") or ""
        wrote = request.method not in READS and status < HTTPStatus.BAD_REQUEST
        return PartAnswer(status, headers, text, request.content_id, wrote)

    @contextmanager
    def reading_ahead(self, requests: Iterable[PartRequest]) -> Iterator[None]:
        """Within this, what the requests read of the store is read at once."""
        keys = list(self._keys(requests))
        with ExitStack() as ahead:
            if len(keys) > 1:
                # Where the store does not answer, each request finds out for itself, in its own family's words.
                with suppress(Unavailable):
                    ahead.enter_context(reading_ahead(keys))
            yield

    def refuse(self, error: BatchyardError, content_id: str | None) -> PartAnswer:
        """The answer to a request that no handler gets to see."""
        response = odata.answer(error, version3=self.version3)
        headers = {"Content-Type": str(response.content_type), **{k: str(v) for k, v in response.headers.items()}}
        return PartAnswer(response.status_code, headers, response.body or "", content_id)

    def _keys(self, requests: Iterable[PartRequest]) -> Iterator[tuple[Table, Key]]:
        for request in requests:
            try:
                route, _, _ = self._target(request, {})
            except BatchyardError:
                # It gets its answer when its turn comes.
                continue
            reads = getattr(importlib.import_module(route.module), "reads", None)
            if reads is not None:
                yield from reads(route.parameters)

    def _target(self, request: PartRequest, located: dict[str, str]) -> tuple[Route, str, str]:
        path, query = self._resolve(request.url, located)
        return self.routes.find(request.method, path), path, query

    def _resolve(self, url: str, located: dict[str, str]) -> tuple[str, str]:
        """A URL's path below the service's own address, and its query.

        Raises:
            Malformed: It leads elsewhere, or into a batch again.
        """
        reference = _REFERENCE.fullmatch(url)
        if reference and unquote(reference[1]).lower() != "batch":
            made = located.get(unquote(reference[1]))
            if made is None:
                raise Malformed(f'"${reference[1]}" refers to no request before this one that made something.')
            url = made.rstrip("/") + reference[2]
        url, _, query = url.partition("#")[0].partition("?")
        if "\\" in url or any(character < " " for character in url):
            raise Malformed("The URL has characters that no URL has.")
        if _ABSOLUTE.match(url) or url.startswith("//"):
            parts = urlsplit(url)
            if (parts.scheme or self.base.scheme) not in ("http", "https") or parts.netloc != self.base.netloc:
                raise Malformed("An absolute URL must be this service's own.")
            url = parts.path
        if not url.startswith("/"):
            url = ROOT + url
        elif self.base.path and url.startswith(self.base.path + "/"):
            url = url[len(self.base.path) :]
        segments = [unquote(unquote(segment)) for segment in url.split("/")]
        if any(segment in {".", ".."} or "/" in segment or "\\" in segment for segment in segments):
            raise Malformed("The URL must not lead out of where it is.")
        if segments[1].lower() == "v1" and segments[2:3] and segments[2].lower() == "$batch":
            raise Malformed("There is no batch within a batch.")
        return url, query

    def _event(self, request: PartRequest, route: Route, path: str, query: str, body: str) -> dict[str, Any]:
        headers = {name: value for name, value in request.headers.items() if not _is_the_batchs(name)}
        for name in ("Host", "X-Forwarded-Proto", "X-Forwarded-For"):
            value = header(self.event, name)
            if value is not None:
                headers[name] = value
        given: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            given.setdefault(name, []).append(value)
        outer = self.event.get("requestContext") or {}
        return {
            "resource": route.resource,
            "path": path,
            "httpMethod": request.method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in given.items()} or None,
            "multiValueQueryStringParameters": given or None,
            "pathParameters": route.parameters or None,
            "stageVariables": self.event.get("stageVariables"),
            "requestContext": {
                **outer,
                "resourcePath": route.resource,
                "httpMethod": request.method,
                "path": f"{self.base.path}{path}",
                COUNTED: True,
            },
            "body": body or None,
            "isBase64Encoded": False,
        }


def _is_the_batchs(name: str) -> bool:
    """Whether a header of a request is not its own to say: who asks, and where it goes."""
    return name in _NOT_A_PARTS_BUSINESS or name.startswith("x-forwarded-")
