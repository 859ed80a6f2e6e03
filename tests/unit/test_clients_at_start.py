"""What the first request needs is made while Lambda starts a function, and nowhere else."""

import os
import subprocess
import sys

import pytest

_CODE = "from batchyard.store import clients; print(clients.dynamodb.cache_info().currsize)"


@pytest.mark.parametrize(("lambda_starts", "made"), [("on-demand", 1), (None, 0)])
def test_the_client_of_the_store_is_made_where_lambda_starts_a_function(lambda_starts: str | None, made: int) -> None:
    name = "AWS_LAMBDA_INITIALIZATION_TYPE"
    variables = {key: value for key, value in os.environ.items() if key != name} | {
        "AWS_DEFAULT_REGION": "eu-central-1"
    }
    if lambda_starts:
        variables[name] = lambda_starts
    found = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True, env=variables)
    assert int(found.stdout) == made
