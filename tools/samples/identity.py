"""Samples of users, logins and the two authorizers."""

import re

from batchyard.store import clients
from batchyard.store.tables import IDENTITY
from tools import aws_events
from tools import sample_world as world
from tools.aws_events import Event
from tools.samples.batch_requests import BATCHES
from tools.samples.sample import Sample, http, request, route


def _asked(url: str, authorization: str) -> Event:
    return aws_events.authorization(request("GET", url, {"Authorization": authorization}))


def _policy(effect: str) -> dict[str, object]:
    resource = f"{aws_events.STAGE_ARN}/*"
    return {"policyDocument": {"Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]}}


_LET_IN = {"principalId": world.USER.name, "context": world.CALLER.to_context(), **_policy("Allow")}

SAMPLES = {
    "active_user": route(
        "GET",
        "/api/v1/active_user/",
        http(200, {"pk": world.USER.pk, "username": "sample", "is_active": True, "is_staff": True}),
    ),
    "login": route(
        "POST",
        "/api/v1/auth/login/",
        http(200, {"key": re.compile("by_.{43}")}),
        lambda: clients.dynamodb().scan(TableName=IDENTITY.name, ConsistentRead=True)["Count"],
        # The user, the token of the sample world, and the new one.
        3,
        body={"username": world.USER.name, "password": world.PASSWORD},
        caller=None,
    ),
    "create_access_token": route(
        "POST",
        "/admin/auth/token",
        http(200, {"access_token": re.compile("by_.{43}")}),
        lambda: clients.dynamodb().scan(TableName=IDENTITY.name, ConsistentRead=True)["Count"],
        3,
        body={"email": world.USER.name, "password": world.PASSWORD},
        caller=None,
        like="identity/login",
    ),
    "authorizer": Sample(_asked(BATCHES, f"Token {world.KEY}"), _LET_IN, repeatable=True),
    "authorizer.bad_token": Sample(_asked(BATCHES, "Token by_no-such-key"), _policy("Deny")),
    "key_authorizer": Sample(
        _asked(f"/admin/collection/{world.COLLECTION}/batch", f"Bearer {world.KEY}"), _LET_IN, repeatable=True
    ),
}
