"""GET /api/v1/channel/{channel_id}/batch_requests/{id}/log_file/: where to read the log file."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.batch_requests import logs
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, BatchRequestId, ChannelId
from batchyard.http import drf
from batchyard.http.app import App, answer

app = App(drf, IN_CHANNEL)

OUTSIDE_BATCHES = (
    "A batch cannot answer redirects. Ask for /api/v1/channel/{channel_id}/batch_requests/{id}/log_file/ by itself."
)


@app.get(
    "/api/v1/channel/<channel_id>/batch_requests/<id>/log_file",
    summary="The log file",
    description=(
        "Redirects to another host, at a URL that works for five minutes without a token. S3 refuses (400) who sends "
        "`Authorization` on to it: let such a client take the URL from `Location` and ask for it without."
    ),
    operation_id="downloadLogFile",
    tags=[TAG],
    status_code=303,
    responses=drf.documented(303, None, 401, 403, 404),
)
def log_file(channel_id: ChannelId, id: BatchRequestId) -> Response[str]:
    """Redirects to the log file, at a URL that works for five minutes without a token."""
    return answer(status=303, headers={"Location": logs.download_url(channel_id, id), "Cache-Control": "no-store"})


handler = app.lambda_handler
