"""GET /api/v1/channel/{channel_id}/batch_requests/{id}/: a batch request."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.batch_requests import operations, repository
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, BatchRequestId, ChannelId
from batchyard.batch_requests.schemas import BatchRequestAnswer
from batchyard.http import drf
from batchyard.http.answers import etag
from batchyard.http.app import App, answer

app = App(drf, IN_CHANNEL)


@app.get(
    "/api/v1/channel/<channel_id>/batch_requests/<id>",
    summary="A batch request",
    operation_id="retrieveBatchRequest",
    tags=[TAG],
    responses=drf.documented(200, BatchRequestAnswer, 401, 403, 404, 410, 413),
)
def retrieve(channel_id: ChannelId, id: BatchRequestId) -> Response[str]:
    """Answers the batch request with all of its objects."""
    batch = operations.retrieve(channel_id, id)
    return answer(batch.to_json(), headers={"ETag": etag(batch.version)})


handler = app.lambda_handler
reads = repository.reads
