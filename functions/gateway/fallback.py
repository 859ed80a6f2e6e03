"""Whatever no other route takes: 404, or 405 where the path is served with other methods."""

from typing import Any

from batchyard.errors import BatchyardError, NotFound
from batchyard.http import coded, dialects, drf, typed
from batchyard.http.app import App, Dialect
from batchyard.http.urls import route_path
from gateway.routes import ROUTES

CATCH_ALL = ("/", "/{proxy+}")
"""The paths that it takes, with any method."""

app = App(drf, None)
_APPS: dict[Dialect, App] = {drf: app, coded: App(coded, None), typed: App(typed, None)}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event that no route takes, in the dialect of the family that its path is nearest to."""
    path = route_path(event)
    family = _APPS[dialects.of_path(path)]
    try:
        ROUTES.find(event["httpMethod"], path)
    except BatchyardError as error:
        return family.refuse(error)
    return family.refuse(NotFound())
