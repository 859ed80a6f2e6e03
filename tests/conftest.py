"""An engine for every test: moto in this process, unless the test asks for another."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.support import aws
from tests.support.api import Api


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The template's tables and bucket, empty, on moto; answers the functions' environment."""
    variables = aws.environment()
    for name, value in {**aws.CREDENTIALS, **variables}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        aws.forget()
        aws.create_tables(variables)
        aws.create_bucket(variables)
        yield variables
    aws.forget()


@pytest.fixture
def api(stores: dict[str, str]) -> Api:
    """A client whose token may do everything."""
    return Api()
