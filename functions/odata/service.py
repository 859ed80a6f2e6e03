"""POST /v1/$batch: many requests in one call. Everything else below /v1/ is not there."""

from typing import Any
from urllib.parse import unquote

from batchyard.errors import BatchyardError, MethodNotAllowed, NotFound
from batchyard.http import caller, limits, odata
from batchyard.http.urls import route_path
from batchyard.odata import service
from batchyard.odata.dispatch import Dispatcher
from gateway.routes import ROUTES


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event of `/v1/{odata+}`."""
    version3 = service.speaks_version3(event)
    try:
        asking = caller.enter(event)
        if unquote(route_path(event)).rstrip("/").lower() != "/v1/$batch":
            raise NotFound
        if event["httpMethod"] != "POST":
            raise MethodNotAllowed(event["httpMethod"], ["POST"])
        batch = service.read(event)
        limit = asking.requests_per_minute or limits.default_limit()
        limits.take(asking.token, limit, count=sum(1 for _ in batch.requests()) + 1)
        answer = service.respond(event, context, batch, Dispatcher(event, context, ROUTES, version3=version3))
    except BatchyardError as error:
        refusal = odata.answer(error, version3=version3)
        headers = {"Content-Type": "application/json", **{k: str(v) for k, v in refusal.headers.items()}}
        return {"statusCode": refusal.status_code, "headers": headers, "body": refusal.body}
    return {"statusCode": answer.status, "headers": answer.headers, "body": answer.body}
