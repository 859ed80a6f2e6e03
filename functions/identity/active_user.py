"""GET /api/v1/active_user/: who is asking."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.identity import operations
from batchyard.identity.models import ActiveUser
from batchyard.jsontext import dumps

app = App(drf)


@app.get(
    "/api/v1/active_user",
    summary="Who is asking",
    operation_id="activeUser",
    tags=["Identity"],
    responses=drf.documented(200, ActiveUser, 401, 404),
)
def active_user() -> Response[str]:
    """Answers the owner of the token: clients ask this first, to see whether they must log in."""
    user = operations.find_user(caller().user)
    return answer(dumps({"pk": user.pk, "username": user.name, "is_active": True, "is_staff": caller().admin}))


handler = app.lambda_handler
