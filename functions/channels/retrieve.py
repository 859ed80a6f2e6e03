"""GET /api/v1/channels/{id}/: a channel."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.channels import operations
from batchyard.channels.parameters import ChannelId
from batchyard.channels.schemas import ChannelAnswer
from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.scope import Rights

app = App(drf, Rights(channel="id"))


@app.get(
    "/api/v1/channels/<id>",
    summary="A channel",
    operation_id="retrieveChannel",
    tags=["Channels"],
    responses=drf.documented(200, ChannelAnswer, 401, 403, 404),
)
def retrieve(id: ChannelId) -> Response[str]:
    """Answers the channel."""
    return answer(operations.shown(operations.retrieve(id)))


handler = app.lambda_handler
