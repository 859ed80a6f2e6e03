"""PATCH /api/v1/channels/{id}/: changes a channel."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.channels import operations
from batchyard.channels.parameters import ChannelId
from batchyard.channels.schemas import ChannelAnswer, ChannelUpdate
from batchyard.http import drf
from batchyard.http.answers import tag_of
from batchyard.http.app import App, answer
from batchyard.scope import Rights

app = App(drf, Rights(admin=True, channel="id"))


@app.patch(
    "/api/v1/channels/<id>",
    summary="Update a channel partially",
    operation_id="partialUpdateChannel",
    tags=["Channels"],
    responses=drf.documented(200, ChannelAnswer, 400, 401, 403, 404, 412, 413, 415),
)
def partial_update(id: ChannelId, body: Annotated[ChannelUpdate, Body()]) -> Response[str]:
    """Changes the fields that are given, for an administrator's token."""
    changed = operations.shown(operations.update(id, body.model_dump(exclude_unset=True), app.preconditions))
    return answer(changed, headers={"ETag": tag_of(changed)})


handler = app.lambda_handler
