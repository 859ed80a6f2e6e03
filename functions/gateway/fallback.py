"""Whatever no other route takes: 404, or 405 where the path is served with other methods."""

from typing import Any

from batchyard.errors import BatchyardError, NotFound
from batchyard.http import coded, drf
from batchyard.http.app import App
from batchyard.http.urls import route_path
from gateway.routes import ROUTES

CATCH_ALL = ("/", "/{proxy+}")
"""The paths that it takes, with any method."""

app = App(drf, None)
product_batches = App(coded, None)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event that no route takes, in the dialect of the family that its path is nearest to."""
    path = route_path(event)
    family = product_batches if path.split("/")[1] in {"admin", "public"} else app
    try:
        ROUTES.find(event["httpMethod"], path)
    except BatchyardError as error:
        return family.refuse(error)
    return family.refuse(NotFound())
