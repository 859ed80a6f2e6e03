"""/v1/…: entity sets, what tells of them, and POST $batch, many requests in one call."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from batchyard.catalogue.entity_sets import reading, writing
from batchyard.catalogue.entity_sets.aliases import refusal_in_batches
from batchyard.catalogue.entity_sets.model import DC_QUANTITY, MODEL, UPDATE_QUANTITY
from batchyard.deadline import deadline, within
from batchyard.defects import log_defect
from batchyard.errors import BatchyardError, MethodNotAllowed
from batchyard.http import audit, caller, finish, limits
from batchyard.http.caller import Caller
from batchyard.http.paths import decoded
from batchyard.http.urls import route_path, with_lines
from batchyard.odata import entities, errors, service, targets, urls
from batchyard.odata.dispatch import Dispatcher
from batchyard.odata.entities import Answer, Service
from batchyard.odata.negotiation import version_of
from batchyard.odata.urls import Segment
from batchyard.scope import Rights
from batchyard.store.items import Key
from batchyard.store.tables import Table
from batchyard.store.unit import Known
from gateway.routes import ROUTES

CATCH_ALL = ("/v1", "/V1", "/v1/{odata+}", "/V1/{odata+}")
"""The paths that it takes, with any method. Some clients write them in capitals, and paths have a case."""

FALLBACK = "gateway.fallback"
"""What answers requests that no route takes."""

_ENTITY_SETS = __name__
_METADATA = (Path(__file__).parent / "metadata.xml").read_text()
_SERVICE = Service(MODEL, _METADATA, reading.readable, reading.tag, writing.writable)

_RESERVE_MILLISECONDS = 8000
"""Time kept for the last step of a list that is looked through."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event of `/v1/{odata+}`."""
    try:
        event = with_lines(event)
        with within(context):
            answered = _answer(event, context, caller.enter(event))
    except BatchyardError as error:
        answered = _refusal(event, error)
    except Exception as error:
        log_defect(error)
        answered = _refusal(event, BatchyardError())
    return finish.without_content(event, answered)


def reads(parameters: dict[str, str]) -> Iterator[tuple[Table, Key]]:
    """What a request of a batch to an entity, or what belongs to one, will ask the store for."""
    for target in _target(parameters):
        yield from reading.reads(target.entity_set.name, target.key)


def reads_then(parameters: dict[str, str], known: Known) -> Iterator[tuple[Table, Key]]:
    """What that leads to."""
    for target in _target(parameters):
        yield from reading.reads_then(target.entity_set.name, target.key, known)


def writes_then(parameters: dict[str, str], known: Known) -> Iterator[tuple[Table, Key]]:
    """The same of a request that writes: stock is the entity's alone."""
    for target in _target(parameters):
        if target.action is not UPDATE_QUANTITY and target.entity_set.type is not DC_QUANTITY:
            yield from reading.reads_then(target.entity_set.name, target.key, known)


def _target(parameters: dict[str, str]) -> Iterator[targets.Target]:
    """The entity that a request is about, or whose part; nothing where it is about none."""
    with suppress(BatchyardError):
        target = targets.resolve(urls.parse(decoded(parameters.get("odata", ""))), MODEL)
        if isinstance(target, targets.Target) and target.key:
            yield target


def _answer(event: dict[str, Any], context: Any, asking: Caller) -> dict[str, Any]:
    try:
        segments = _segments(event)
        batch = service.read(event) if _is_batch(event, segments) else None
    except BatchyardError:
        limits.count(event, asking)
        raise
    if batch is None:
        limits.count(event, asking)
        return _of_entity_set(event, context, segments, asking)
    limit = asking.scope.requests_per_minute or limits.default_limit()
    limits.take(asking.token, limit, count=sum(1 for _ in batch.requests()) + 1)
    refusal, version = refusal_in_batches, version_of(event)
    routes = Dispatcher(event, context, ROUTES, FALLBACK, refusal, _ENTITY_SETS, MODEL.sets, version=version)
    answer = service.respond(event, context, batch, routes)
    return _proxied(answer.status, answer.headers, answer.body)


def _segments(event: dict[str, Any]) -> list[Segment]:
    _, _, below = route_path(event)[1:].partition("/")
    return urls.parse(decoded(below))


def _is_batch(event: dict[str, Any], segments: list[Segment]) -> bool:
    if [str(segment).lower() for segment in segments] != ["$batch"]:
        return False
    if event["httpMethod"] != "POST":
        raise MethodNotAllowed(event["httpMethod"], ["POST"])
    return True


def _of_entity_set(event: dict[str, Any], context: Any, segments: list[Segment], asking: Caller) -> dict[str, Any]:
    reads = bool(segments) and segments[-1].name == "$query"
    Rights(catalogue=True, reads=reads).must_be_in(asking.scope, event["httpMethod"], {})
    time_is_up = deadline(context, _RESERVE_MILLISECONDS)
    answer: Answer = entities.respond(event, segments, _SERVICE, time_is_up, may_explain=asking.scope.admin)
    fields = {name: [one] for name, one in {**finish.headers(keyed=True), **answer.headers}.items()}
    answered = {"statusCode": int(answer.status), "multiValueHeaders": fields, "body": answer.body}
    audit.note(event, answered)
    # Lists have no tags, which nobody asks conditions about.
    return finish.conditional(event, answered, tagged=False) if "ETag" in fields else answered


def _refusal(event: dict[str, Any], error: BatchyardError) -> dict[str, Any]:
    return _proxied(*errors.answer(error, version_of(event)))


def _proxied(status: int, headers: Any, body: str) -> dict[str, Any]:
    return {"statusCode": int(status), "headers": dict(headers), "body": body}
