"""POST /api/v1/auth/login/: a new key for a user."""

import hashlib
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import drf, limits
from batchyard.http.app import App, answer
from batchyard.identity import operations
from batchyard.identity.schemas import Credentials, Key
from batchyard.jsontext import dumps

ATTEMPTS_PER_MINUTE = 20

app = App(drf, None)


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
    # By name, so that guessing at one user from many addresses is slowed down too.
    limits.take(f"login {hashlib.sha256(body.username.encode()).hexdigest()}", ATTEMPTS_PER_MINUTE)
    return answer(dumps({"key": operations.log_in(body.username, body.password)}))


handler = app.lambda_handler
