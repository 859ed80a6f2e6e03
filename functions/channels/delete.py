"""DELETE /api/v1/channels/{id}/: removes a channel."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.batch_requests.repository import has_any
from batchyard.channels import operations
from batchyard.channels.parameters import ChannelId
from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.scope import Rights

app = App(drf, Rights(admin=True, channel="id"))


@app.delete(
    "/api/v1/channels/<id>",
    summary="Delete a channel",
    operation_id="deleteChannel",
    tags=["Channels"],
    status_code=204,
    responses=drf.documented(204, None, 401, 403, 404, 409, 412),
)
def delete(id: ChannelId) -> Response[str]:
    """Removes a channel that has no batch requests, for an administrator's token."""
    operations.delete(id, has_batch_requests=has_any, conditions=app.preconditions)
    return answer(status=204)


handler = app.lambda_handler
