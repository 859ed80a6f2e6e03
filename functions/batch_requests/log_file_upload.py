"""POST /api/v1/channel/{channel_id}/batch_requests/{id}/log_file/upload/: where to post a large log file."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.batch_requests import logs
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, BatchRequestId, ChannelId
from batchyard.batch_requests.schemas import LogFileUpload
from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.jsontext import dumps

app = App(drf, IN_CHANNEL)


@app.post(
    "/api/v1/channel/<channel_id>/batch_requests/<id>/log_file/upload",
    summary="Upload a large log file",
    description=(
        "Post the file as `file`, after the `fields` of the answer, to its `url`; it becomes the log file in moments. "
        "The form works for a quarter of an hour (`expires_at`); where S3 answers 403 sooner, ask for a new one. "
        "It tells by itself who may post: send no `Authorization` with it."
    ),
    operation_id="uploadLogFile",
    tags=[TAG],
    status_code=201,
    responses=drf.documented(201, LogFileUpload, 400, 401, 403, 404, 413, 415),
)
def log_file_upload(channel_id: ChannelId, id: BatchRequestId) -> Response[str]:
    """Answers a form to post the file to as `file`; it becomes the log file within moments of its arrival."""
    return answer(dumps(logs.upload_form(channel_id, id)), 201, {"Cache-Control": "no-store"})


handler = app.lambda_handler
