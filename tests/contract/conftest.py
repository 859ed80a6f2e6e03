"""A service that is there for a whole module: moto, the functions, and API Gateway in front of them."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from batchyard.identity import tokens
from tests.contract.service import Service
from tests.support import aws

# What `make test` has time for; CONTRACT_EXAMPLES asks for more, which are then other ones each time.
ASKED = os.environ.get("CONTRACT_EXAMPLES")
settings.register_profile(
    "contract",
    max_examples=int(ASKED or 60),
    derandomize=ASKED is None,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """The whole service on moto, with somebody who may do everything."""
    variables = aws.environment()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in {**aws.CREDENTIALS, **variables}.items():
            patch.setenv(name, value)
        # No test here is about limits, and a run of thousands of requests would meet them.
        patch.setenv("REQUESTS_PER_MINUTE", "100000000")
        aws.forget()
        aws.create_tables(variables)
        aws.create_bucket(variables)
        # Logins are slow on purpose, and many here.
        patch.setattr(tokens, "_SCRYPT", {"n": 2, "r": 1, "p": 1})
        yield Service()
    aws.forget()
