"""POST /admin/auth/token: a new key for a user, as the catalogue's clients ask for one."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.errors import NotAuthenticated
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.source import source
from batchyard.identity import attempts, operations
from batchyard.identity.rules import WrongCredentials
from batchyard.identity.schemas import AccessToken, EmailCredentials
from batchyard.jsontext import dumps

app = App(typed, None, closed_query=True)

OUTSIDE_BATCHES = "A batch does not log in. Ask for /admin/auth/token by itself."


@app.post(
    "/admin/auth/token",
    summary="Log in for an access token",
    operation_id="createAccessToken",
    tags=["Identity"],
    security=[],
    responses=typed.documented(200, AccessToken, 400, 401, 413, 415),
)
def create_access_token(body: Annotated[EmailCredentials, Body()]) -> Response[str]:
    """Answers a new key, good for thirty days."""
    try:
        with attempts.counted(body.email, source(app.current_event.raw_event)):
            key = operations.log_in(body.email, body.password)
    except WrongCredentials:
        raise NotAuthenticated from None
    return answer(dumps({"access_token": key}))


handler = app.lambda_handler
