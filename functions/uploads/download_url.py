"""POST /admin/uploads/download-url: where to get a file."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps
from batchyard.uploads import operations
from batchyard.uploads.parameters import READS, TAG
from batchyard.uploads.schemas import DownloadUrl, FileRequest

app = App(typed, READS, closed_query=True)

OUTSIDE_BATCHES = "A batch carries no files. Ask for /admin/uploads/download-url by itself."


@app.post(
    "/admin/uploads/download-url",
    summary="Ask where to get a file",
    operation_id="downloadFile",
    tags=[TAG],
    responses=typed.documented(200, DownloadUrl, 400, 401, 403, 404, 413, 415),
)
def download_url(body: Annotated[FileRequest, Body()]) -> Response[str]:
    """Answers a URL at which one of your files can be read for an hour."""
    url = operations.download_url(caller().user, body.file_key)
    return answer(dumps({"download_url": url}), headers={"Cache-Control": "no-store"})


handler = app.lambda_handler
