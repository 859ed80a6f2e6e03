"""PATCH /api/v1/channel/{channel_id}/batch_requests/{id}/: changes a batch request, merging its objects."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.batch_requests import operations, repository
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, BatchRequestId, ChannelId
from batchyard.batch_requests.schemas import BatchRequestAnswer, BatchRequestUpdate
from batchyard.http import drf
from batchyard.http.answers import etag
from batchyard.http.app import App, answer
from batchyard.http.caller import caller

app = App(drf, IN_CHANNEL)


@app.patch(
    "/api/v1/channel/<channel_id>/batch_requests/<id>",
    summary="Update a batch request partially",
    operation_id="partialUpdateBatchRequest",
    tags=[TAG],
    responses=drf.documented(200, BatchRequestAnswer, 400, 401, 403, 404, 410, 412, 413, 415),
)
def partial_update(
    channel_id: ChannelId, id: BatchRequestId, body: Annotated[BatchRequestUpdate, Body()]
) -> Response[str]:
    """Changes the fields that are given; given objects are merged by content type and primary key."""
    body.must_be_in(channel_id)
    batch = operations.update(
        channel_id,
        id,
        body.change(),
        by=caller().user,
        whole=False,
        log_file=body.log_file,
        conditions=app.preconditions,
    )
    return answer(batch.to_json(), headers={"ETag": etag(batch.version)})


handler = app.lambda_handler
reads = repository.reads
