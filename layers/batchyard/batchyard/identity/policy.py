"""What an authorizer answers to API Gateway."""

from collections.abc import Mapping
from typing import Any, Literal

NOBODY = "nobody"
"""The principal of a request without a good key."""


def policy(
    effect: Literal["Allow", "Deny"], principal: str, method_arn: str, context: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A policy about all routes of the stage, so that the answer can be kept for the caller's other requests.

    Args:
        effect: Whether the request may go on to its route.
        principal: Whose it is, for the access log.
        method_arn: What is asked for, of which the stage counts alone.
        context: What API Gateway hands on to the route.
    """
    stage = "/".join(method_arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context or {}),
    }
