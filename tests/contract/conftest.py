"""A service that is there for a whole module: moto, the functions, and API Gateway in front of them."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from tests.contract.service import GATEWAY, Service
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
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        GATEWAY.answered.clear()
        yield Service(patch)
    aws.forget()
