"""The authorizer of product batches: whose key a request carries, in `Authorization` or in `X-API-Key`.

It lets every request go on to its route, with its caller or with none. API Gateway's own refusals have one shape for
all families; a route refuses a request without a caller in the words of its own.
"""

from typing import Any

from batchyard.deadline import within
from batchyard.http.urls import header
from batchyard.identity.policy import let_in, let_in_unknown
from batchyard.identity.recent import find_token
from batchyard.identity.tokens import key_in


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers a REQUEST authorizer event with a policy that allows it, and the caller."""
    key = key_in(header(event, "Authorization")) or (header(event, "X-API-Key") or "").strip()
    with within(context):
        token = find_token(key) if key else None
    return let_in_unknown(event["methodArn"]) if token is None else let_in(token, event["methodArn"])
