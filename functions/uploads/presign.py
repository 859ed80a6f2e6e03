"""POST /admin/uploads/presigned-urls: where to put a large file."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard import clock
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps
from batchyard.uploads import operations
from batchyard.uploads.parameters import TAG, WRITES
from batchyard.uploads.schemas import UploadRequest, UploadUrl

app = App(typed, WRITES, closed_query=True)

OUTSIDE_BATCHES = "A batch carries no files. Ask for /admin/uploads/presigned-urls by itself."


@app.post(
    "/admin/uploads/presigned-urls",
    summary="Ask where to put a large file",
    operation_id="presignUpload",
    tags=[TAG],
    status_code=201,
    responses=typed.documented(201, UploadUrl, 400, 401, 403, 413, 415),
)
def presign(body: Annotated[UploadRequest, Body()]) -> Response[str]:
    """Answers a URL that takes the file by a PUT within a quarter of an hour, 5 GB at most."""
    url, key, until_us = operations.presign(caller().user, body.file_name, body.size)
    found = {"url": url, "key": key, "expires_at": clock.iso_milliseconds(until_us)}
    return answer(dumps(found), 201, {"Cache-Control": "no-store"})


handler = app.lambda_handler
