"""`functions/gateway/routes.json`: the table of routes, for the functions that have to route by themselves.

Each function registers its own route; the table says which module that is, so that a batch can hand a request to it and
the fallback can tell 405 from 404 without importing all of them.
"""

import json
from collections.abc import Iterable

from tools.generate.handlers import Handler

PREFLIGHT = "gateway.fallback"
"""The module that tells browsers what scripts may ask for."""


def table(handlers: Iterable[Handler]) -> dict[str, dict[str, str]]:
    """The paths of all functions, their methods, and the modules that serve them.

    What answers GET answers HEAD, and what scripts of any page may ask for has an answer to a browser that asks whether
    they may (OPTIONS).
    """
    found: dict[str, dict[str, str]] = {}
    for handler in handlers:
        if handler.route is not None:
            method, path = handler.route
            methods = found.setdefault(path, {})
            methods[method] = handler.module.__name__
            if method == "GET":
                methods["HEAD"] = methods[method]
            if handler.app is not None and handler.app.any_origin:
                methods["OPTIONS"] = PREFLIGHT
    return {path: dict(sorted(methods.items())) for path, methods in sorted(found.items())}


def text(handlers: Iterable[Handler]) -> str:
    """The table as it is committed."""
    return json.dumps(table(handlers), indent=2) + "\n"
