"""POST /admin/uploads: stores the files of a form."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import forms, typed
from batchyard.http.app import App
from batchyard.http.caller import caller
from batchyard.uploads import answers, operations
from batchyard.uploads.parameters import FIELD, FORM_OF_FILES, TAG, WRITES
from batchyard.uploads.schemas import Uploads

app = App(typed, WRITES, closed_query=True, form=True)

OUTSIDE_BATCHES = "A batch carries no files. Ask for /admin/uploads by itself."


@app.post(
    "/admin/uploads",
    summary="Upload files",
    operation_id="uploadFiles",
    tags=[TAG],
    openapi_extensions=FORM_OF_FILES,
    responses=typed.documented(200, Uploads, 400, 401, 403, 413, 415),
)
def upload() -> Response[str]:
    """Stores the files of a form, 4 MiB at most together; larger ones go to a URL that is asked for."""
    return answers.stored(operations.upload(caller().user, forms.files(app.current_event.raw_event, FIELD)))


handler = app.lambda_handler
