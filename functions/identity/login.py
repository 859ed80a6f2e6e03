"""POST /api/v1/auth/login/: a new key for a user."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.http.source import source
from batchyard.identity import attempts, operations
from batchyard.identity.schemas import Credentials, Key
from batchyard.jsontext import dumps

app = App(drf, None)

OUTSIDE_BATCHES = "A batch does not log in. Ask for /api/v1/auth/login/ by itself."


@app.post(
    "/api/v1/auth/login",
    summary="Log in",
    operation_id="login",
    tags=["Identity"],
    security=[],
    responses=drf.documented(200, Key, 400, 413, 415),
)
def login(body: Annotated[Credentials, Body()]) -> Response[str]:
    """Answers a new key, good for thirty days."""
    with attempts.counted(body.username, source(app.current_event.raw_event)):
        return answer(dumps({"key": operations.log_in(body.username, body.password)}))


handler = app.lambda_handler
