"""GET /api/v1/active_user/: who is asking."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.errors import NotAuthenticated, NotFound
from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.identity import operations
from batchyard.identity.schemas import ActiveUser
from batchyard.jsontext import dumps
from batchyard.scope import Rights

app = App(drf, Rights())


@app.get(
    "/api/v1/active_user",
    summary="Who is asking",
    operation_id="activeUser",
    tags=["Identity"],
    responses=drf.documented(200, ActiveUser, 401),
)
def active_user() -> Response[str]:
    """Answers the owner of the token: clients ask this first, to see whether they must log in."""
    try:
        user = operations.find_user(caller().user)
    except NotFound:
        # The authorizer's answer outlives a removed user by a minute; clients log in again on 401 alone.
        raise NotAuthenticated("Invalid token.") from None
    return answer(dumps({"pk": user.pk, "username": user.name, "is_active": True, "is_staff": caller().scope.admin}))


handler = app.lambda_handler
