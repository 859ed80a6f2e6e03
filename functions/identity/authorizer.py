"""The authorizer: whose token a request carries.

API Gateway keeps its answers for a minute per `Authorization` header, so each allows the whole stage, and the
handlers decide what the caller may touch. A bad token is denied, which the template's gateway responses turn into
401: its clients log in again on 401 and give up on 403. No credentials at all is a 401 with other words, which API
Gateway gives where this raises `Unauthorized`.
"""

from typing import Any

from batchyard.deadline import within
from batchyard.http.urls import header
from batchyard.identity.policy import keep_out, let_in
from batchyard.identity.repository import find_token
from batchyard.identity.tokens import key_in


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers a REQUEST authorizer event with a policy and the caller."""
    key = key_in(header(event, "Authorization"))
    if key is None:
        raise Exception("Unauthorized")
    with within(context):
        token = find_token(key)
    if token is None:
        return keep_out(event["methodArn"])
    return let_in(token, event["methodArn"])
