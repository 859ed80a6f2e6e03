"""Each test runs on every engine with real isolation that can be had here."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from batchyard.store import clients
from tests.benchmarks.report import MissingToolError
from tests.consistency.workers import patient
from tests.consistency.world import World
from tests.support import aws, engines
from tests.support.engines import Engine


@pytest.fixture(scope="session")
def ministack() -> Iterator[Engine]:
    """The engine that is always there."""
    with engines.ministack() as running:
        yield running


@pytest.fixture(scope="session", params=[engines.MINISTACK, engines.DYNAMODB_LOCAL])
def engine(request: pytest.FixtureRequest, ministack: Engine) -> Iterator[Engine]:
    """Each engine in turn."""
    if request.param == engines.MINISTACK:
        yield ministack
        return
    running = engines.dynamodb_local(ministack)
    try:
        local = running.__enter__()
    except (MissingToolError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no DynamoDB Local: {error}")
    try:
        yield local
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
def world(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty deployment."""
    with _deployed(engine, monkeypatch) as world:
        yield world


@pytest.fixture(scope="module")
def lasting_world(engine: Engine) -> Iterator[World]:
    """A deployment for a whole module, whose tests keep to channels and collections of their own."""
    with pytest.MonkeyPatch.context() as patch, _deployed(engine, patch) as world:
        yield world


@contextmanager
def _deployed(engine: Engine, patch: pytest.MonkeyPatch) -> Iterator[World]:
    variables = {**aws.CREDENTIALS, **engine.endpoints, **aws.environment(), "REQUESTS_PER_MINUTE": "1000000"}
    for name, value in variables.items():
        patch.setenv(name, value)
    aws.forget()
    patch.setattr(clients, "_CONFIG", patient(clients._CONFIG))
    # Botocore waits between its attempts, for as much as a second at first.
    patch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    # Everything that a recount would wait for has happened here, unless a test says otherwise.
    patch.setattr("batchyard.batch_requests.recounting._rest", lambda: None)
    with World(variables) as deployed:
        patch.setenv("SWEEP_QUEUE_URL", deployed.sweep_queue)
        yield deployed
    aws.forget()
