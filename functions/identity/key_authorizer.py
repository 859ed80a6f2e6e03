"""The authorizer that lets pass: whose key a request carries, in `Authorization` or a header for the key alone.

Clients of OData's paths may also send it as `access_token` in the query, where no header brings one.

It lets every request go on to its route, with its caller or with none. API Gateway's own refusals have one shape for
all families; a route refuses a request without a caller in the words of its own.
"""

from typing import Any

from batchyard.deadline import within
from batchyard.http.caller import KEY_HEADERS
from batchyard.http.urls import header
from batchyard.identity.policy import let_in, let_in_unknown
from batchyard.identity.token_cache import find_token
from batchyard.identity.tokens import key_in


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers a REQUEST authorizer event with a policy that allows it, and the caller."""
    given = (
        key_in(header(event, "Authorization")),
        *((header(event, name) or "").strip() for name in KEY_HEADERS),
        _in_query(event),
    )
    key = next(filter(None, given), None)
    with within(context):
        token = find_token(key) if key else None
    return let_in_unknown(event["methodArn"]) if token is None else let_in(token, event["methodArn"])


def _in_query(event: dict[str, Any]) -> str:
    if not str(event.get("resource") or "").lower().startswith("/v1"):
        return ""
    return str((event.get("queryStringParameters") or {}).get("access_token") or "").strip()
