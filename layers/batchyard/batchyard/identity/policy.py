"""What an authorizer answers to API Gateway: a policy about all routes of the stage.

API Gateway keeps an answer for the caller's other requests, so none may depend on what is asked for now.
"""

from collections.abc import Mapping
from typing import Any, Literal

from batchyard.http.caller import Caller
from batchyard.identity.rules import Token

NOBODY = "nobody"
"""The principal of a request without a good key, for the access log."""


def let_in(token: Token, method_arn: str) -> dict[str, Any]:
    """The request goes on to its route, which gets to know the caller."""
    caller = Caller(token.user, token.id, token.scope)
    return _policy("Allow", token.user, method_arn, caller.to_context())


def let_in_unknown(method_arn: str) -> dict[str, Any]:
    """The request goes on to its route, which has to refuse it."""
    return _policy("Allow", NOBODY, method_arn, {})


def keep_out(method_arn: str) -> dict[str, Any]:
    """The request does not go on."""
    return _policy("Deny", NOBODY, method_arn, {})


def _policy(
    effect: Literal["Allow", "Deny"], principal: str, method_arn: str, context: Mapping[str, str]
) -> dict[str, Any]:
    stage = "/".join(method_arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
