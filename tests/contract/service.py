"""The service as clients find it: somebody to log in as, a channel, and batch requests to ask for."""

import json
from typing import Any

import pytest

from batchyard.identity import operations, tokens
from batchyard.identity.repository import Scope
from tests.contract.gateway import Gateway
from tests.support import aws
from tests.support.api import Answer, batches

GATEWAY = Gateway()
"""Where this process reaches the service."""

NAME, PASSWORD = "anna", "correct horse battery staple"


class Service:
    """A service of which nobody knew before; the one that this process works on from here on.

    Args:
        patch: What undoes that.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        variables = aws.environment()
        # No test here is about limits, and a run of thousands of requests would meet them.
        for name, value in {**aws.CREDENTIALS, **variables, "REQUESTS_PER_MINUTE": "100000000"}.items():
            patch.setenv(name, value)
        # Logins are slow on purpose, and many here.
        patch.setattr(tokens, "_SCRYPT", {"n": 2, "r": 1, "p": 1})
        aws.forget()
        aws.create_tables(variables)
        aws.create_bucket(variables)
        GATEWAY.forget()
        operations.create_user(NAME, PASSWORD, Scope(admin=True))
        self.key = operations.create_token(NAME, Scope(admin=True))
        self.channel = self.new_channel()

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """What the service answers somebody who may do everything."""
        sent = [("Authorization", f"Token {self.key}"), *headers.items()]
        if body is None:
            return GATEWAY.request(method, target, sent)
        return GATEWAY.request(method, target, [*sent, ("Content-Type", "application/json")], json.dumps(body).encode())

    def new_channel(self) -> int:
        """The primary key of a channel that was not there before."""
        return int(self.ask("POST", "/api/v1/channels/", {"name": "Marketplace"}).json()["pk"])

    def new_batch(self, *changes: dict[str, Any]) -> int:
        """The primary key of a batch request that was not there before, changed like this."""
        made = self.ask("POST", batches(self.channel), {"channel": self.channel})
        pk = int(made.json()["pk"])
        for change in changes:
            changed = self.ask("PATCH", batches(self.channel, pk), change)
            assert changed.status == 200, changed.text
        return pk
