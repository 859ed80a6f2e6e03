"""DELETE /admin/uploads: removes a file."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps
from batchyard.uploads import operations
from batchyard.uploads.parameters import TAG, WRITES
from batchyard.uploads.schemas import Deleted, FileRequest

app = App(typed, WRITES, closed_query=True)

OUTSIDE_BATCHES = "A batch carries no files. Ask for /admin/uploads by itself."


@app.delete(
    "/admin/uploads",
    summary="Delete a file",
    operation_id="deleteFile",
    tags=[TAG],
    responses=typed.documented(200, Deleted, 400, 401, 403, 404, 413, 415),
)
def delete(body: Annotated[FileRequest, Body()]) -> Response[str]:
    """Removes one of your files."""
    operations.delete(caller().user, body.file_key)
    return answer(dumps({"id": body.file_key, "object": "file", "deleted": True}))


handler = app.lambda_handler
