"""The resolver of a route: powertools' routing and validation, between our caller, limits and dialects.

A function's module makes one `App` in its family's dialect, registers its route, and exports the app as `handler`:

    app = App(drf, Rights(channel="id"))

    @app.get("/api/v1/channels/<id>")
    def retrieve(id: Annotated[int, Path()]) -> Response[str]:
        ...

    handler = app.lambda_handler

Before a route runs, its caller is known and has the right to it, its request is counted, and its body is valid.
Whatever it raises is answered in the dialect.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.api_gateway import Response, Route
from aws_lambda_powertools.event_handler.openapi.compat import ModelField
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes.api_gateway_proxy_event import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from pydantic import BaseModel

from batchyard.deadline import within
from batchyard.defects import log_defect
from batchyard.errors import BatchyardError, Malformed, NotFound, UnsupportedMediaType
from batchyard.http import audit, bodies, bounds, caller, cors, finish, queries
from batchyard.http.answers import must_fit
from batchyard.http.paths import decoded
from batchyard.http.preconditions import Preconditions
from batchyard.http.urls import base_url, header, header_lines, route_path, with_lines
from batchyard.scope import Rights

_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class Dialect(Protocol):
    """How a family speaks: a module with these functions."""

    def read(self, data: Any) -> dict[str, Any]:
        """A parsed JSON body, if the family takes it; else raises a business error."""

    def invalid(self, found: Iterable[Mapping[str, Any]]) -> BatchyardError:
        """The business error for what pydantic found wrong."""

    def answer(self, error: BatchyardError) -> Response[str]:
        """The answer for a business error."""

    def documented(self, status: int, model: type | None, *others: int) -> dict[int, Any]:
        """The `responses` of a route for the OpenAPI document, with the statuses of its refusals."""


class App(APIGatewayRestResolver):
    """The resolver of one function.

    Args:
        dialect: How its family words errors.
        rights: What is asked of the caller's token; None where no token is asked for, and requests are not counted.
        closed_query: Parameters in the query that the route does not have are refused, and names may have brackets
            (`batchyard.http.queries`).
        form: Its body is a form, which the route reads by itself (`batchyard.http.forms`).
        any_origin: Scripts of any web page may ask for it and read what it answers (`batchyard.http.cors`).
    """

    def __init__(
        self,
        dialect: Dialect,
        rights: Rights | None,
        *,
        closed_query: bool = False,
        form: bool = False,
        any_origin: bool = False,
    ) -> None:
        super().__init__(enable_validation=True, json_body_deserializer=self._read_json)
        self.dialect = dialect
        self.rights = rights
        self._closed_query = closed_query
        self.form = form
        self.any_origin = any_origin
        self._taken: list[str] | None = None
        self._count: Callable[[Mapping[str, Any], caller.Caller], None] | None = None
        if rights is not None:
            # It brings in botocore, without which a route that asks nobody for a token can start in half the time.
            from batchyard.http import limits

            self._count = limits.count
        self.exception_handler(RequestValidationError)(self._answer_invalid)
        self.exception_handler(BatchyardError)(dialect.answer)
        # API Gateway chose this function, but powertools does not take every character in a path's parameters.
        self.not_found(lambda _: dialect.answer(NotFound()))
        self.exception_handler(Exception)(self._answer_defect)

    @property
    def public(self) -> bool:
        """Whether no token is asked for."""
        return self.rights is None

    @property
    def base_url(self) -> str:
        """The public address of the service, as this request reached it."""
        return base_url(self.current_event.raw_event)

    @property
    def preconditions(self) -> Preconditions:
        """The conditions of this request, which a route that changes things asks of what it is about to change."""
        return Preconditions.of(self.current_event.raw_event)

    def served(self) -> list[tuple[str, str]]:
        """The methods and paths of its routes, parameters in braces."""
        return [(route.method, route.openapi_path) for route in self._routes()]

    def lambda_handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answers one API Gateway event."""
        return self.resolve(event, context)

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answers one API Gateway event, whatever happens."""
        with within(context):
            answered = self._answer_event(event, context)
        audit.note(event, answered)
        return self._finished(event, answered)

    def _finished(self, event: Mapping[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
        standing = finish.headers(keyed=not self.public) | (cors.HEADERS if self.any_origin else {})
        given = {**{name: [value] for name, value in standing.items()}, **answered["multiValueHeaders"]}
        return finish.without_content(event, {**answered, "multiValueHeaders": given})

    def _answer_event(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        try:
            event = with_lines(event)
            path = route_path(event)
            if self._count is not None and self.rights is not None:
                asking = caller.enter(event)
                self._count(event, asking)
                self.rights.must_be_in(asking.scope, event["httpMethod"], self._parameters(path))
            answered = super().resolve(self._readable(self._settled(event), path), context)
            return finish.conditional(event, answered, tagged=not self.public)
        except BatchyardError as error:
            return _proxied(self.dialect.answer(error))
        except Exception as error:
            return _proxied(self._answer_defect(error))

    def refuse(self, event: Mapping[str, Any], error: BatchyardError) -> dict[str, Any]:
        """Answers an event with an error of the business."""
        return self.reply(event, self.dialect.answer(error))

    def reply(self, event: Mapping[str, Any], response: Response[str]) -> dict[str, Any]:
        """Answers an event with a response that no route of its own made."""
        return self._finished(event, _proxied(response))

    def _settled(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self._closed_query:
            return event
        names = {
            name for route in self._routes() for field in route.dependant.query_params for name in _names_in(field)
        }
        settled, unknown = queries.settled(event, names)
        if unknown:
            found = ({"type": "extra_forbidden", "loc": ("query", name), "msg": "Unknown."} for name in unknown)
            raise self.dialect.invalid(found)
        return settled

    def _routes(self) -> list[Route]:
        return [*self._static_routes, *self._dynamic_routes]

    def _readable(self, event: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The event with the route's own path, and its body as JSON text; an absent body is an empty object.

        A form stays as it is.
        """
        found = {**event, "path": path, **self._headers(header_lines(event))}
        if event.get("httpMethod") == "HEAD":
            # The same as GET, but for the content (RFC 9110, 9.3.2).
            found["httpMethod"] = "GET"
        media_type = (header(event, "Content-Type") or "application/json").partition(";")[0].strip().lower()
        if self.form:
            if media_type != bodies.FORM:
                raise UnsupportedMediaType(media_type)
            return found
        # With other methods a body means nothing (RFC 9110, 9.3), whatever is in it, unless the route takes one.
        body = ""
        method = found.get("httpMethod")
        if event.get("body") and (method in _WITH_BODY or any(route.dependant.body_params for route in self._routes())):
            if media_type != "application/json":
                raise UnsupportedMediaType(media_type)
            try:
                body = bodies.text(event)
            except Malformed as error:
                raise Malformed(f"JSON parse error - {error}") from None
        found["body"] = body or "{}"
        found["isBase64Encoded"] = False
        return found

    def _headers(self, lines: Mapping[str, str]) -> dict[str, Any]:
        """The headers that powertools gets to see: it goes through all that there are, again and again."""
        if self._taken is None:
            self._taken = [field.alias.lower() for route in self._routes() for field in route.dependant.header_params]
        taken = {name: [lines[name]] for name in self._taken if name in lines}
        # By the time that it reads the body, this is JSON, which powertools knows by this very spelling alone.
        return {"headers": {"content-type": "application/json"}, "multiValueHeaders": taken}

    def _to_proxy_event(self, event: dict[str, Any]) -> BaseProxyEvent:
        return _Event(event, self._json_body_deserializer)

    def _parameters(self, path: str) -> dict[str, str]:
        """The parameters of a path, as its route gets them; none where no route of this function has it."""
        matches = (route.rule.match(path) for route in self._dynamic_routes)
        return next((self._convert_matches_into_route_keys(match) for match in matches if match), {})

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        # API Gateway leaves the path as the client wrote it, and many write `%3A` for a colon.
        return {name: decoded(value) for name, value in match.groupdict().items()}

    def _read_json(self, text: str) -> dict[str, Any]:
        return self.dialect.read(bounds.read_json(text))

    def _answer_invalid(self, error: RequestValidationError) -> Response[str]:
        return self.dialect.answer(self.dialect.invalid(error.errors()))

    def _answer_defect(self, error: Exception) -> Response[str]:
        log_defect(error)
        return self.dialect.answer(BatchyardError())


class _Event(APIGatewayProxyEvent):
    """An event whose headers powertools makes ready once, not each time that it looks at them."""

    @cached_property
    def headers(self) -> dict[str, str]:
        return super().headers

    @cached_property
    def multi_value_headers(self) -> dict[str, list[str]]:
        return super().multi_value_headers


def _names_in(field: ModelField) -> Iterable[str]:
    """The parameters of a query that a field of a route takes: one, or those of a model."""
    model = field.type_
    if isinstance(model, type) and issubclass(model, BaseModel):
        return (inner.alias or name for name, inner in model.model_fields.items())
    return (field.alias,)


def answer(body: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """An answer with a JSON body, or with none.

    Bodies are JSON text by the time they get here: what the store keeps as JSON goes out as it is, without being
    parsed and written again.

    Raises:
        TooLarge: A function cannot answer it.
    """
    return Response(
        status_code=status,
        content_type="application/json" if body else None,
        body=must_fit(body),
        headers=dict(headers or {}),
    )


def _proxied(response: Response[str]) -> dict[str, Any]:
    """A response that powertools did not get to see, as API Gateway wants it."""
    return {
        "statusCode": response.status_code,
        "multiValueHeaders": {
            **({"Content-Type": [response.content_type]} if response.content_type else {}),
            **{name: [str(value)] for name, value in response.headers.items()},
        },
        "body": response.body,
        "isBase64Encoded": False,
    }
