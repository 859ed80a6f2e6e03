"""Batchyard in this process: empty stores as the template defines them, and its functions behind their routes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from batchyard.channels import repository
from batchyard.channels.rules import Channel
from batchyard.store import clients
from batchyard.store.unit import transact
from tests.support import aws
from tests.support.api import Api

CHANNEL = 5
# What is measured is requests that are let through.
REQUESTS_PER_MINUTE = 1_000_000


def environment(endpoint: str | None = None) -> dict[str, str]:
    """What the functions and botocore read from the environment."""
    variables = {**aws.CREDENTIALS, **aws.environment("benchmark"), "REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE)}
    return variables | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})


def one_channel(_: object) -> None:
    transact(lambda unit: repository.put(unit, Channel(CHANNEL, "Benchmark")))


@contextmanager
def stores(
    endpoint: str | None = None,
    *,
    fill: Callable[[dict[str, str]], None] = one_channel,
    keeps_secrets: bool = False,
) -> Iterator[dict[str, str]]:
    """Points this process at an engine, with the template's tables in it; tells the environment for it.

    Args:
        endpoint: Where the engine is; None for the one that this process has.
        fill: Puts something into the tables; it is given the environment, and may add to it.
        keeps_secrets: It has a Secrets Manager too, unlike DynamoDB Local.
    """
    before = dict(os.environ)
    variables = environment(endpoint)
    os.environ.update(variables)
    secretsmanager = clients.secretsmanager
    if endpoint and not keeps_secrets:
        clients.secretsmanager = aws.secrets_here  # type: ignore[assignment]
    aws.forget()
    try:
        aws.create_tables(variables)
        aws.create_secret(variables)
        fill(variables)
        yield variables
    finally:
        clients.secretsmanager = secretsmanager
        os.environ.clear()
        os.environ.update(before)
        aws.forget()


def call(method: str, target: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
    """The decoded answer to a request; anything but success is a mistake of the benchmark."""
    answer = Api()(method, target, body, headers=headers)
    if answer.status >= 300:
        raise RuntimeError(f"{method} {target} answered {answer.status}: {answer.text[:500]}")
    return answer.json()
