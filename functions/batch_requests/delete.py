"""DELETE /api/v1/channel/{channel_id}/batch_requests/{id}/: removes a batch request."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.batch_requests import operations, repository
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, BatchRequestId, ChannelId
from batchyard.http import drf
from batchyard.http.app import App, answer

app = App(drf, IN_CHANNEL)


@app.delete(
    "/api/v1/channel/<channel_id>/batch_requests/<id>",
    summary="Delete a batch request",
    operation_id="deleteBatchRequest",
    tags=[TAG],
    status_code=204,
    responses=drf.documented(204, None, 400, 401, 403, 404, 412),
)
def delete(channel_id: ChannelId, id: BatchRequestId) -> Response[str]:
    """Removes the batch request, its objects and its log file, in whatever status it is."""
    operations.delete(channel_id, id, app.preconditions)
    return answer(status=204)


handler = app.lambda_handler
reads = repository.reads
