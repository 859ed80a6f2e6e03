"""Requests of a batch, answered by the very handlers that answer them alone.

Each request becomes the API Gateway event that it would have been by itself, with the caller of the batch: same
validation, same authorization, same answer. A handler is imported when the first request needs it.

A handler's module may say two things about itself: `OUTSIDE_BATCHES`, a sentence for a route that cannot be called
inside a batch, with the path's parameters in braces; and `reads(parameters)`, the items that it will ask the store for,
so that neighbours are read at once. What these lead to is told by `reads_then(parameters, known)`, and where a write
needs less of it, by `writes_then`.
"""

import base64
import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from batchyard.echoes import echo
from batchyard.errors import BatchyardError, Malformed, MethodNotAllowed, NotFound
from batchyard.http.bodies import PACKED
from batchyard.http.caller import KEY_HEADERS
from batchyard.http.limits import COUNTED
from batchyard.http.paths import as_sent, decoded
from batchyard.http.routes import Route, Routes
from batchyard.http.urls import base_url, header
from batchyard.odata import errors, urls
from batchyard.odata.addresses import ROOT, resolve
from batchyard.odata.answers import PartAnswer
from batchyard.odata.envelope import READS, PartRequest
from batchyard.odata.negotiation import VERSION_4, Version
from batchyard.odata.urls import Segment
from batchyard.store.items import Key
from batchyard.store.tables import Table
from batchyard.store.unit import Known, Places, not_sharing, reading_ahead, sharing

# Who asks and where it goes are the batch's; how the bytes travel has been seen to.
_BATCH_ONLY_HEADERS = frozenset(
    {"authorization", "connection", "content-length", "forwarded", "host", "transfer-encoding"}
    | {name.lower() for name in KEY_HEADERS}
)
_CONDITIONS = frozenset({"if-match", "if-none-match"})
_FROM_THE_BATCH = ("Host", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto")


class Dispatcher:
    """Answers the requests of one batch.

    Args:
        event: The API Gateway event of the batch.
        context: Its Lambda context.
        routes: What the service serves.
        fallback: The module that answers what none of them takes.
        refusal: Why a request to an entity set has no place in a batch, by its method and segments; None if it has.
        entity_sets: The module that answers what is below the root of OData.
        sets: The names of what is there.
        version: The version of OData that errors of the batch itself are worded in.
    """

    def __init__(
        self,
        event: Mapping[str, Any],
        context: Any,
        routes: Routes,
        fallback: str,
        refusal: Callable[[str, Sequence[Segment]], str | None],
        entity_sets: str,
        sets: Collection[str],
        *,
        version: Version = VERSION_4,
    ) -> None:
        self.event = event
        self.context = context
        self.routes = routes
        self.fallback = fallback
        self.refusal = refusal
        self.entity_sets = entity_sets
        self.sets = sets
        self.version = version
        self.base = urlsplit(base_url(event))
        self._addresses: dict[str, tuple[str, str]] = {}
        self._ways: dict[tuple[str, str], tuple[Route, str, str]] = {}
        self._own_headers = {name: given for name in _FROM_THE_BATCH if (given := header(event, name)) is not None}

    def below_root(self, url: str) -> str:
        """A URL without the service's root in front, if it has one: `https://…/v1/$1` is `$1`."""
        try:
            path, query = self._resolved(url)
        except BatchyardError:
            # Where it leads is told when it is sent.
            return url
        if path[: len(ROOT)].lower() != ROOT:
            return url
        return path[len(ROOT) :] + (f"?{query}" if query else "")

    def send(self, request: PartRequest) -> PartAnswer:
        """The answer of a request's own handler.

        Raises:
            BatchyardError: It has no place in a batch.
        """
        route, path, query = self._way(request)
        module = importlib.import_module(route.module)
        refusal = getattr(module, "OUTSIDE_BATCHES", None)
        if refusal is not None:
            raise Malformed(refusal.format(**route.parameters))
        with not_sharing() if _is_conditional_write(request) else nullcontext():
            result = module.handler(self._event(request, route, path, query), self.context)
        headers = dict(result.get("headers") or {})
        headers.update({name: ", ".join(values) for name, values in (result.get("multiValueHeaders") or {}).items()})
        status = result["statusCode"]
        wrote = request.method not in READS and status < HTTPStatus.BAD_REQUEST
        return PartAnswer(status, headers, result.get("body") or "", request.content_id, wrote)

    def reading_ahead(self, requests: Iterable[PartRequest]) -> AbstractContextManager[None]:
        """Within this, what the requests read of the store is read at once; of several, as it was at one moment."""
        wanted = list(requests)
        return reading_ahead(*self._places(wanted), at_one_moment=len(wanted) > 1)

    def sharing(self, writes: Iterable[PartRequest]) -> AbstractContextManager[None]:
        """Within this, what the requests read of the store is read at once, and each knows what those before it wrote.

        Those with conditions read by themselves: what they compare, nobody may have changed since.
        """
        return sharing(*self._places(one for one in writes if not _is_conditional_write(one)))

    def _places(self, requests: Iterable[PartRequest]) -> tuple[Places, Callable[[Known], Places]]:
        """Where the items are that requests read, and where those are that these lead to."""
        readers = list(self._readers(requests))

        def first() -> Iterator[tuple[Table, Key]]:
            for module, parameters, _ in readers:
                yield from module.reads(parameters)

        def following(known: Known) -> Iterator[tuple[Table, Key]]:
            for module, parameters, is_read in readers:
                then = getattr(module, "reads_then", _nothing)
                yield from (then if is_read else getattr(module, "writes_then", then))(parameters, known)

        return first(), following

    def refuse(self, error: BatchyardError, content_id: str | None) -> PartAnswer:
        """The answer to a request that no handler gets to see."""
        return PartAnswer(*errors.answer(error, self.version), content_id)

    def _readers(self, requests: Iterable[PartRequest]) -> Iterator[tuple[ModuleType, dict[str, str], bool]]:
        for request in requests:
            try:
                route, _, _ = self._way(request)
            except BatchyardError:
                # It gets its answer when its turn comes.
                continue
            module = importlib.import_module(route.module)
            if hasattr(module, "reads"):
                yield module, route.parameters, request.method in READS

    def _way(self, request: PartRequest) -> tuple[Route, str, str]:
        """The route of a request, its path as sent, and its query: wanted to read ahead, and to send it."""
        known = request.method, request.url
        found = self._ways.get(known)
        if found is None:
            resolved, query = self._resolved(request.url)
            path = as_sent(resolved)
            found = self._ways[known] = self._route(request.method, path), path, query
        return found

    def _resolved(self, url: str) -> tuple[str, str]:
        found = self._addresses.get(url)
        if found is None:
            found = self._addresses[url] = resolve(url, self.base)
        return found

    def _route(self, method: str, path: str) -> Route:
        root, _, rest = path[1:].partition("/")
        if root.lower() == "v1":
            # No other route begins like this one's own.
            segments = urls.parse(decoded(rest))
            if any(segment.name.lower() == "$batch" for segment in segments):
                raise Malformed("There is no batch within a batch.")
            refusal = self.refusal(method, segments)
            if refusal is not None:
                raise Malformed(refusal)
            parameters = {"odata": rest} if rest else {}
            return Route(self.entity_sets, f"/{root}/{{odata+}}" if rest else f"/{root}", parameters)
        try:
            return self.routes.find(method, path)
        except (NotFound, MethodNotAllowed):
            self._must_be_below_root(path)
            return Route(self.fallback, "/{proxy+}", {"proxy": path[1:]})

    def _must_be_below_root(self, path: str) -> None:
        """Raises `NotFound`, with where to look, for a path as sent that is one of OData's and begins at the host."""
        name = unquote(path[1:].partition("/")[0]).partition("(")[0]
        if name in self.sets or name.startswith("$"):
            raise NotFound(
                f'A URL that begins with a slash begins at the host: "{echo(name)}" is found at {ROOT}{echo(name)}, '
                "or without the slash."
            )

    def _event(self, request: PartRequest, route: Route, path: str, query: str) -> dict[str, Any]:
        headers = {name: value for name, value in request.headers.items() if not _is_batch_only(name)}
        headers.update(self._own_headers)
        parameters: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters.setdefault(name, []).append(value)
        try:
            body, encoded = request.body.decode(), False
        except UnicodeDecodeError:
            body, encoded = base64.b64encode(request.body).decode(), True
        return {
            "resource": route.resource,
            "path": path,
            "httpMethod": request.method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
            "multiValueQueryStringParameters": parameters or None,
            "pathParameters": route.parameters or None,
            "stageVariables": self.event.get("stageVariables"),
            "requestContext": {
                **(self.event.get("requestContext") or {}),
                "resourcePath": route.resource,
                "httpMethod": request.method,
                "path": f"{self.base.path}{path}",
                COUNTED: True,
                PACKED: True,
            },
            "body": body or None,
            "isBase64Encoded": encoded,
        }


def _is_conditional_write(request: PartRequest) -> bool:
    return request.method not in READS and not _CONDITIONS.isdisjoint(name.lower() for name in request.headers)


def _nothing(*_: object) -> tuple[()]:
    return ()


def _is_batch_only(name: str) -> bool:
    """Whether a header is not a request's own to say."""
    return name in _BATCH_ONLY_HEADERS or name.startswith("x-forwarded-")
