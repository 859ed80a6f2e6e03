"""The functions as packaged, in Lambda's own runtime by `sam local`, on stores of an engine on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import aws, engines
from tests.support.engines import Engine
from tools import sam_local, sample_world

# What a function has of AWS's variables; the others are for this process.
_PASSED_ON = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION")


@dataclass(frozen=True)
class Deployment:
    """Stores with the sample world in them, and the packaged template for them.

    Args:
        template: What `sam local` runs.
        variables: The environment of the functions.
    """

    template: Path
    variables: dict[str, str]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine with the stores."""
    lacking = sam_local.missing()
    if lacking is not None:
        # Where a change is judged, a test that was left out must not pass for one that held.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
    with engines.ministack() as running:
        yield running


@pytest.fixture(scope="session")
def endpoint(engine: Engine) -> Iterator[str]:
    """Where containers reach the engine."""
    with sam_local.reachable(engine.endpoints["AWS_ENDPOINT_URL"]) as url:
        yield url


@contextmanager
def deployed(engine: Engine, endpoint: str, folder: Path) -> Iterator[Deployment]:
    """Stores of their own, which this process then speaks to as well."""
    with pytest.MonkeyPatch.context() as patch:
        variables = {**aws.environment(), **sample_world.VARIABLES}
        for name, value in {**aws.CREDENTIALS, **engine.endpoints, **variables}.items():
            patch.setenv(name, value)
        aws.forget()
        aws.create_tables(variables)
        aws.create_bucket(variables)
        aws.create_queues(variables)
        for name in variables:
            if name.endswith("_QUEUE_URL"):
                patch.setenv(name, variables[name])
        sample_world.load()
        own = {name: aws.CREDENTIALS[name] for name in _PASSED_ON}
        variables = {**variables, **own, "AWS_ENDPOINT_URL": endpoint}
        sam_local.write_template(folder / "template.json", variables)
        yield Deployment(folder / "template.json", variables)
    aws.forget()


@pytest.fixture
def deployment(engine: Engine, endpoint: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment for one test."""
    with deployed(engine, endpoint, tmp_path) as made:
        yield made
