"""AWS clients, made when first needed and kept for the life of the execution environment.

Making a client is a large part of a cold start, so each function makes only those that it calls. Nearly all call
DynamoDB, so its client is made while Lambda still starts the function, before anybody waits for it.

botocore repeats a call that failed, and knows nothing of how long the function still runs. So an attempt begins only if
it ends before the function does, with time left to answer that the store did not (`batchyard.deadline`).
"""

import logging
import os
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import botocore.session
from botocore.config import Config
from botocore.exceptions import UnknownRegionError
from botocore.handlers import add_retry_headers

from batchyard import deadline
from batchyard.store import attribute_values, endpoints, signatures
from batchyard.store.calls import OutOfTime

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Else it tells at each start where it found its credentials.
logging.getLogger("botocore").setLevel(logging.WARNING)

ANSWER_MS = 1000
"""Milliseconds that a function keeps for its own answer."""

# Two attempts of four seconds fit an authorizer's ten; most calls take some milliseconds, the largest half a second.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=1,
    read_timeout=3,
    tcp_keepalive=True,
    # Requests are checked by our own models and by the service; checking them twice costs a third of a call's CPU.
    parameter_validation=False,
    # botocore puts its own together twice for each request, which costs as much as parsing a small answer.
    user_agent="batchyard",
    signature_version=signatures.VERSION,
)


# S3 is silent for longer: while it makes one object of the thousand parts of an upload, for one.
_S3_CONFIG = _CONFIG.merge(Config(read_timeout=10))


@cache
def _session() -> botocore.session.Session:
    made = botocore.session.Session()
    made.register_component("response_parser_factory", attribute_values.Factory())
    attribute_values.register()
    signatures.register()
    endpoints.register(made)
    return made


# Each new connection reads again what it trusts, which takes longer of the whole bundle than all the rest of it.
_AMAZON_ROOTS = Path(botocore.session.__file__).with_name("amazon.pem")


def _trusted(session: botocore.session.Session) -> str | None:
    """The file of certificates that connections are checked by; None for what is configured, or botocore's own bundle.

    It is Amazon's roots for the endpoints of the partition `aws`, of which it is known that they have no others.
    """
    configured = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    goes_elsewhere = "https" in getproxies() or any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ)
    region = session.get_config_variable("region")
    if configured or goes_elsewhere or not region or not _AMAZON_ROOTS.exists():
        return None
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        return None
    return str(_AMAZON_ROOTS) if partition == "aws" else None


def _create(service: str, config: Config | None = None) -> Any:
    session = _session()
    client = session.create_client(service, config=config or _CONFIG, verify=_trusted(session))
    needs_ms = attempt_ms(client.meta.config)

    def must_be_in_time(**_: Any) -> None:
        if not deadline.allows(needs_ms):
            # No kind of error that botocore would wait and try again after.
            raise OutOfTime

    def must_be_in_time_again(response: Any, caught_exception: Exception | None, **_: Any) -> None:
        # It waits before it tries again, so what failed slowly is given up at once.
        if caught_exception is not None or response[0].status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            must_be_in_time()

    # What number a try has, and of how many, is told for AWS's own statistics, and takes a twentieth of a call's CPU.
    client.meta.events.unregister("request-created", add_retry_headers)
    client.meta.events.register("before-send", must_be_in_time)
    client.meta.events.register("needs-retry", must_be_in_time_again)
    return client


def attempt_ms(config: Any) -> int:
    """Milliseconds that an attempt at a call takes at most, and the function's answer after it."""
    return int((config.connect_timeout + config.read_timeout) * 1000) + ANSWER_MS


@cache
def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client."""
    client: DynamoDBClient = _create("dynamodb")
    return client


@cache
def s3() -> "S3Client":
    """The S3 client; it presigns URLs of the region's own endpoint."""
    # Left to itself, botocore presigns for the global endpoint, which redirects requests for new buckets; a redirected
    # POST is lost. A local endpoint serves buckets by path.
    local = "AWS_ENDPOINT_URL" in os.environ or "AWS_ENDPOINT_URL_S3" in os.environ
    addressing: Any = {"addressing_style": "path" if local else "virtual"}
    client: S3Client = _create("s3", _S3_CONFIG.merge(Config(signature_version="s3v4", s3=addressing)))
    return client


@cache
def sqs() -> "SQSClient":
    """The SQS client."""
    client: SQSClient = _create("sqs")
    return client


@cache
def events() -> "EventBridgeClient":
    """The EventBridge client."""
    client: EventBridgeClient = _create("events")
    return client


@cache
def secretsmanager() -> "SecretsManagerClient":
    """The Secrets Manager client."""
    client: SecretsManagerClient = _create("secretsmanager")
    return client


def reset() -> None:
    """Forgets all clients, so that the next call makes them anew: for tests that change the endpoint."""
    for made in (_session, dynamodb, s3, sqs, events, secretsmanager):
        made.cache_clear()


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    dynamodb()
