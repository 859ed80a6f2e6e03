"""Whatever no other route takes: 404, or 405 where the path is served with other methods."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from batchyard.errors import MethodNotAllowed, NotFound
from batchyard.http import drf
from batchyard.http.app import App
from batchyard.http.urls import route_path

app = App(drf, public=True)


@cache
def _paths() -> dict[re.Pattern[str], list[str]]:
    """The paths of the OpenAPI document, as patterns, and their methods."""
    document = json.loads((Path(__file__).parents[1] / "docs" / "openapi.json").read_text())
    return {
        re.compile("[^/]+".join(map(re.escape, re.split(r"\{\w+\}", path.rstrip("/")))) + "/*"): sorted(
            map(str.upper, operations)
        )
        for path, operations in document["paths"].items()
    }


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event that no route takes."""
    path = route_path(event)
    for pattern, methods in _paths().items():
        if pattern.fullmatch(path) and event["httpMethod"] not in methods:
            return app.refuse(MethodNotAllowed(event["httpMethod"], methods))
    return app.refuse(NotFound())
