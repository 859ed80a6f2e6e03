"""Whatever no other route takes: 404, or 405 where the path is served with other methods.

OPTIONS of what is public tells browsers what scripts may send.
"""

from typing import Any

from batchyard.errors import BatchyardError, NotFound
from batchyard.http import coded, cors, dialects, drf, typed
from batchyard.http.app import App, Dialect, answer
from batchyard.http.urls import route_path
from gateway.routes import ROUTES

CATCH_ALL = ("/", "/{proxy+}")
"""The paths that it takes, with any method."""

app = App(drf, None)
_APPS: dict[Dialect, App] = {drf: app, coded: App(coded, None), typed: App(typed, None)}
_PUBLIC = App(coded, None, any_origin=True)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event that no route takes, in the dialect of the family that its path is nearest to."""
    path = route_path(event)
    method = event["httpMethod"]
    family = _PUBLIC if path.startswith("/public/") else _APPS[dialects.of_path(path)]
    try:
        ROUTES.find(method, path)
    except BatchyardError as error:
        return family.refuse(event, error)
    if method == "OPTIONS":
        methods = ROUTES.methods(path)
        told = {"Allow": ", ".join(methods), **cors.preflight(event, methods)}
        return family.reply(event, answer(status=204, headers=told))
    return family.refuse(event, NotFound())
