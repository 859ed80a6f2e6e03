"""AWS clients, made when first needed and kept for the life of the execution environment.

Making a client is the largest part of a cold start, so each function makes only those that it calls.
"""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Else it tells at each start where it found its credentials.
logging.getLogger("botocore").setLevel(logging.WARNING)

# Four attempts with botocore's standard back-off stay below two seconds, well inside a function's timeout.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=2,
    read_timeout=10,
    tcp_keepalive=True,
    # Requests are checked by our own models and by the service; checking them twice costs a third of a call's CPU.
    parameter_validation=False,
    # botocore puts its own together twice for each request, which costs as much as parsing a small answer.
    user_agent="batchyard",
)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


def _create(service: str, config: Config = _CONFIG) -> Any:
    return _session().create_client(service, config=config)


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
    client: S3Client = _create("s3", _CONFIG.merge(Config(signature_version="s3v4", s3=addressing)))
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
