"""What a failed AWS call means: given up for now, or a defect of ours."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
)

from batchyard.errors import Unavailable
from batchyard.store.calls import reaching_aws

URL = "https://dynamodb.eu-central-1.amazonaws.com/"


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
        ProxyConnectionError(proxy_url=URL),
        ConnectionClosedError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_transient_aws_errors_are_unavailable(error: Exception):
    with pytest.raises(Unavailable), reaching_aws():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetItem"),
        ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem"),
        ParamValidationError(report="Missing required parameter"),
    ],
    ids=lambda error: str(error)[:40],
)
def test_other_aws_errors_are_raised_unchanged(error: Exception):
    with pytest.raises(type(error)) as raised, reaching_aws():
        raise error
    assert raised.value is error
