"""A local stack of its own for these tests: deployed anew, on a free port, so that a running one is left alone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tools.local_stack import HOME, LocalStack, free_port


@contextmanager
def deployed(name: str) -> Iterator[LocalStack]:
    """The whole system, deployed anew in a folder of this name, and up."""
    home = HOME / name
    shutil.rmtree(home, ignore_errors=True)
    stack = LocalStack(home, free_port())
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The whole system, up."""
    with deployed("e2e") as stack:
        yield stack


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Iterator[httpx.Client]:
    """Sends requests with a token for everything. Paths are the contract's: `/api/v1/…`."""
    with _client(stack, stack.settings["TOKEN"]) as client:
        yield client


@pytest.fixture(scope="session")
def other_client(stack: LocalStack) -> Iterator[httpx.Client]:
    """The same of another user with the same rights."""
    with _client(stack, stack.settings["OTHER_TOKEN"]) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous(stack: LocalStack) -> Iterator[httpx.Client]:
    """Sends requests without a token."""
    with _client(stack, None) as client:
        yield client


@pytest.fixture
def channel(client: httpx.Client) -> int:
    """A new channel, with nothing in it."""
    answer = client.post("/api/v1/channels/", json={"name": "Of one test"})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["pk"])


def _client(stack: LocalStack, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Token {token}"}
    # An engine on a busy machine starts a function in seconds, not in milliseconds.
    return httpx.Client(base_url=stack.base_url, headers=headers, timeout=60, trust_env=False)
