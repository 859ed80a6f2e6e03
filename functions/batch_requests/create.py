"""POST /api/v1/channel/{channel_id}/batch_requests/: opens a batch request."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.batch_requests import operations
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, ChannelId
from batchyard.batch_requests.schemas import BatchRequestAnswer, BatchRequestCreate
from batchyard.channels import repository
from batchyard.http import drf
from batchyard.http.answers import etag
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.headers import IdempotencyKey

app = App(drf, IN_CHANNEL)


@app.post(
    "/api/v1/channel/<channel_id>/batch_requests",
    summary="Open a batch request",
    operation_id="createBatchRequest",
    tags=[TAG],
    status_code=201,
    responses=drf.documented(201, BatchRequestAnswer, 400, 401, 403, 404, 412, 413, 415),
)
def create(
    channel_id: ChannelId, body: Annotated[BatchRequestCreate, Body()], idempotency_key: IdempotencyKey = None
) -> Response[str]:
    """Opens a batch request in status `initialized`."""
    body.must_be_in(channel_id)
    # By user: a client whose token has ended repeats the request with another one.
    opened = operations.open_one(
        channel_id, by=caller().user, idempotency_key=idempotency_key, conditions=app.preconditions
    )
    location = f"{app.base_url}/api/v1/channel/{channel_id}/batch_requests/{opened.pk}/"
    return answer(opened.to_json(), 201, {"Location": location, "ETag": etag(opened.version)})


handler = app.lambda_handler
reads = repository.reads
