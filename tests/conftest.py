"""An engine for every test: moto in this process, unless the test asks for another."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import settings
from moto import mock_aws

from batchyard.identity import tokens
from batchyard.store import clients
from tests.support import aws, permissions, reserved_words
from tests.support.api import Api

# How long an example takes says more of the machine than of the code.
settings.register_profile("batchyard", settings(), deadline=None)
settings.load_profile("batchyard")

_MAKERS: dict[str, Callable[[], Any]] = {
    name: getattr(clients, name).__wrapped__ for name in ("dynamodb", "s3", "sqs", "events", "secretsmanager")
}


@cache
def _kept_client(name: str) -> Any:
    """A client for all tests on moto: making it takes longer than most of them."""
    return reserved_words.watch(permissions.watch(_MAKERS[name]()))


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The template's tables and bucket, empty, and its secret, on moto; returns the functions' environment."""
    variables = aws.environment()
    for name, value in {**aws.CREDENTIALS, **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # Hashes of passwords are slow on purpose, and what they cost is told by other tests.
    monkeypatch.setattr(tokens, "COST", tokens.Cost(4, 8, 1))
    aws.forget()
    permissions.watch_triggers()
    for name in _MAKERS:
        monkeypatch.setattr(clients, name, cache(partial(_kept_client, name)))
    with mock_aws():
        aws.create_tables(variables)
        aws.create_bucket(variables)
        aws.create_secret(variables)
        yield variables
    aws.forget()
    refused = sorted(set(permissions.REFUSED))
    permissions.REFUSED.clear()
    assert refused == []


# A run of all tests fails where policies permit what no handler does; each worker knows some of what they do.


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    # A worker has ten seconds to end, which may be too few for what coverage has to write by then.
    if (measured := Coverage.current()) is not None:
        measured.save()
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["powers used"] = [list(one) for one in permissions.USED]
    elif exitstatus == pytest.ExitCode.OK and _runs_all(config):
        unused = permissions.unused(permissions.USED)
        if unused:
            print("\nThis run fails: policies permit what no test has a handler do.", *unused, sep="\n  ")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _runs_all(config: pytest.Config) -> bool:
    narrowing = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "collectonly")
    narrowed = any(config.getoption(name, None) for name in narrowing)
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not narrowed


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})
    permissions.USED.update((function, power) for function, power in output.get("powers used", []))


@pytest.fixture
def api(stores: dict[str, str]) -> Api:
    """A client whose token may do everything."""
    return Api()
