"""/v1/…: POST $batch, many requests in one call. Nothing else is there yet."""

from typing import Any

from batchyard.catalogue.entity_sets.aliases import refusal_in_batches
from batchyard.deadline import within
from batchyard.defects import log_defect
from batchyard.errors import BatchyardError, MethodNotAllowed, NotFound
from batchyard.http import caller, limits
from batchyard.http.caller import Caller
from batchyard.http.paths import decoded
from batchyard.http.urls import route_path
from batchyard.odata import errors, service, urls
from batchyard.odata.dispatch import Dispatcher
from batchyard.odata.negotiation import version_of
from batchyard.odata.service import BatchAnswer
from gateway.routes import ROUTES

CATCH_ALL = ("/v1/{odata+}", "/V1/{odata+}")
"""The paths that it takes, with any method. Some clients write the second one, and paths have a case."""

FALLBACK = "gateway.fallback"
"""What answers requests that no route takes."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event of `/v1/{odata+}`."""
    try:
        with within(context):
            answer = _answer(event, context, caller.enter(event))
    except BatchyardError as error:
        answer = _refusal(event, error)
    except Exception as error:
        log_defect(error)
        answer = _refusal(event, BatchyardError())
    return {"statusCode": answer.status, "headers": answer.headers, "body": answer.body}


def _answer(event: dict[str, Any], context: Any, asking: Caller) -> BatchAnswer:
    try:
        _must_be_batch(event)
        batch = service.read(event)
    except BatchyardError:
        limits.count(event, asking)
        raise
    limit = asking.scope.requests_per_minute or limits.default_limit()
    limits.take(asking.token, limit, count=sum(1 for _ in batch.requests()) + 1)
    routes = Dispatcher(event, context, ROUTES, FALLBACK, refusal_in_batches, version=version_of(event))
    return service.respond(event, context, batch, routes)


def _must_be_batch(event: dict[str, Any]) -> None:
    _, _, below = route_path(event)[1:].partition("/")
    path = urls.parse(decoded(below))
    if [str(segment).lower() for segment in path] != ["$batch"]:
        raise NotFound
    if event["httpMethod"] != "POST":
        raise MethodNotAllowed(event["httpMethod"], ["POST"])


def _refusal(event: dict[str, Any], error: BatchyardError) -> BatchAnswer:
    return BatchAnswer(*errors.answer(error, version_of(event)))
