"""The service as clients find it: somebody to log in as, a channel, and batch requests to ask for."""

import json
from typing import Any, Self

import pytest

from batchyard.identity import operations, tokens
from batchyard.identity.repository import Scope
from tests.contract.gateway import Gateway
from tests.support.api import Answer, batches

GATEWAY = Gateway()
NAME, PASSWORD = "anna", "correct horse battery staple"


class Service:
    """A running service.

    Args:
        gateway: Where it is reached.
        key: A key that may do everything.
        channel: A channel of it.
    """

    def __init__(self) -> None:
        self.gateway = GATEWAY
        GATEWAY.forget()
        operations.create_user(NAME, PASSWORD, Scope(admin=True))
        self.key = operations.create_token(NAME, Scope(admin=True))
        self.channel = self.new_channel()

    @classmethod
    def with_cheap_passwords(cls, patch: pytest.MonkeyPatch) -> Self:
        """A service whose logins are not slow on purpose."""
        patch.setattr(tokens, "_SCRYPT", {"n": 2, "r": 1, "p": 1})
        return cls()

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """What the service answers somebody who may do everything."""
        sent = [("Authorization", f"Token {self.key}"), *headers.items()]
        if body is None:
            return self.gateway.request(method, target, sent)
        return self.gateway.request(
            method, target, [*sent, ("Content-Type", "application/json")], json.dumps(body).encode()
        )

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
