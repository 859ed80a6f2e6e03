"""What scripts of any web page may do with what needs no token (CORS).

https://fetch.spec.whatwg.org/#http-cors-protocol

Not powertools' `CORSConfig`, which leaves out what is refused before a route runs, and says nothing without an
`Origin`, so that a cache would have to tell origins apart.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from batchyard.http.urls import header

HEADERS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
"""What each answer says, for all of its readers."""

ASKED_AGAIN_SECONDS = 86_400
"""How long a browser need not ask again; browsers have lower limits of their own."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def preflight(event: Mapping[str, Any], methods: Iterable[str]) -> dict[str, str]:
    """The headers that tell a browser what a script may send: any headers, since what is public depends on none.

    They are named as the browser names them: `*` would leave out `Authorization`, which some scripts send everywhere.

    Args:
        event: The API Gateway event of the browser's question.
        methods: What the path is served with.
    """
    wanted = _NAME.findall(header(event, "Access-Control-Request-Headers") or "")
    return {
        **HEADERS,
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(wanted) or "*",
        "Access-Control-Max-Age": str(ASKED_AGAIN_SECONDS),
    }
