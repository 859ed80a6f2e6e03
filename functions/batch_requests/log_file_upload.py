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
    operation_id="uploadLogFile",
    tags=[TAG],
    status_code=201,
    responses=drf.documented(201, LogFileUpload, 400, 401, 403, 404, 413, 415),
)
def log_file_upload(channel_id: ChannelId, id: BatchRequestId) -> Response[str]:
    """Answers a form to post the file to as `file`; it becomes the log file within moments of its arrival."""
    return answer(dumps(logs.upload_form(channel_id, id)), 201, {"Cache-Control": "no-store"})


handler = app.lambda_handler
