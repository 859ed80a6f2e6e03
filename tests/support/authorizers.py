"""What authorizers are asked, and what they say."""

from typing import Any

from tests.support.api import Api
from tools import aws_events


def asks(**headers: str) -> dict[str, Any]:
    """An event of a REQUEST authorizer."""
    return aws_events.authorization(Api(None).event("GET", "/api/v1/active_user/", headers=headers)[0])


def effect(answer: dict[str, Any]) -> str:
    """What a policy says about the stage."""
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    # Kept for a minute and asked about every route: it must speak of them all.
    assert statement["Resource"] == f"{aws_events.STAGE_ARN}/*"
    return str(statement["Effect"])
