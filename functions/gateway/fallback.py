"""Whatever no other route takes: 404, or 405 where the path is served with other methods."""

from typing import Any

from batchyard.errors import BatchyardError, NotFound
from batchyard.http import drf
from batchyard.http.app import App
from batchyard.http.urls import route_path
from gateway.routes import ROUTES

app = App(drf, public=True)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event that no route takes."""
    try:
        ROUTES.find(event["httpMethod"], route_path(event))
    except BatchyardError as error:
        return app.refuse(error)
    return app.refuse(NotFound())
