"""POST /api/v1/channels/: a new channel."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.channels import operations
from batchyard.channels.schemas import ChannelAnswer, ChannelCreate
from batchyard.http import drf
from batchyard.http.answers import tag_of
from batchyard.http.app import App, answer
from batchyard.scope import Rights

app = App(drf, Rights(admin=True, every_channel=True))


@app.post(
    "/api/v1/channels",
    summary="Create a channel",
    operation_id="createChannel",
    tags=["Channels"],
    status_code=201,
    responses=drf.documented(201, ChannelAnswer, 400, 401, 403, 412, 413, 415),
)
def create(body: Annotated[ChannelCreate, Body()]) -> Response[str]:
    """Makes a channel, for an administrator's token that is not limited to some channels."""
    app.preconditions.must_hold(None)
    channel = operations.create(body.model_dump())
    made = operations.shown(channel)
    headers = {"Location": f"{app.base_url}/api/v1/channels/{channel.pk}/", "ETag": tag_of(made)}
    return answer(made, 201, headers)


handler = app.lambda_handler
