"""The template's stores on an engine: moto, DynamoDB Local or MiniStack, whichever the AWS client speaks to."""

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from botocore import xform_name

from batchyard.batch_requests import ids
from batchyard.http import limits
from batchyard.identity import token_cache
from batchyard.serial_codes import keys
from batchyard.store import clients
from tools.template import resources

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def environment(prefix: str = "") -> dict[str, str]:
    """The environment variables that the template gives the functions, for stores with a common prefix."""
    prefix = prefix or f"test-{uuid.uuid4().hex[:8]}"
    tables = {_variable(name): f"{prefix}-{name}" for name in resources("AWS::DynamoDB::Table")}
    return {
        **tables,
        "CONTENT_BUCKET": f"{prefix}-content",
        "EVENT_BUS": f"{prefix}-bus",
        "SERIAL_KEYS_SECRET": f"{prefix}-serial-keys",
        "DIGITAL_LINK_DOMAIN": "https://id.gs1.org",
        "PUBLIC_URL": "",
        "REQUESTS_PER_MINUTE": "2000",
        "VERIFICATIONS_PER_MINUTE": "300",
        "DISPENSING_UNDO_DAYS": "10",
        "REPEATED_LOTS": "warn",
        "FAILED_LOGINS_PER_MINUTE": "60",
        "POWERTOOLS_SERVICE_NAME": "batchyard",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }


def create_tables(variables: Mapping[str, str]) -> None:
    """Makes the template's tables under the names that the environment gives them."""
    dynamodb = clients.dynamodb()
    for name, properties in resources("AWS::DynamoDB::Table").items():
        wanted: dict[str, Any] = {
            key: properties[key]
            for key in ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
            if key in properties
        }
        if "StreamSpecification" in properties:
            wanted["StreamSpecification"] = {**properties["StreamSpecification"], "StreamEnabled": True}
        # An engine that is slow makes the table, and botocore asks again: the names are nobody else's.
        with suppress(dynamodb.exceptions.ResourceInUseException):
            dynamodb.create_table(TableName=variables[_variable(name)], **wanted)


def create_bucket(variables: Mapping[str, str]) -> None:
    """Makes the bucket for contents."""
    clients.s3().create_bucket(
        Bucket=variables["CONTENT_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    clients.s3().put_bucket_versioning(
        Bucket=variables["CONTENT_BUCKET"], VersioningConfiguration={"Status": "Enabled"}
    )


def create_secret(variables: Mapping[str, str]) -> None:
    """Makes the secret with the keys of serial numbers, as the template does."""
    clients.secretsmanager().create_secret(
        Name=variables["SERIAL_KEYS_SECRET"], SecretString=json.dumps({"current": "1", "1": "k" * 64})
    )


class Secrets:
    """Secrets Manager for engines that have none: one secret, kept in this process."""

    def __init__(self) -> None:
        self._versions: list[str] = []

    def create_secret(self, Name: str, SecretString: str) -> None:
        self._versions.append(SecretString)

    def put_secret_value(self, SecretId: str, SecretString: str, ClientRequestToken: str) -> None:
        self._versions.append(SecretString)

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        return {"SecretString": self._versions[-1], "VersionId": str(len(self._versions))}


@cache
def secrets_here() -> Secrets:
    """What `clients.secretsmanager` is where an engine has no Secrets Manager."""
    return Secrets()


def create_queue(variables: Mapping[str, str]) -> str:
    """Makes a queue and an event bus whose every event goes to it; returns the queue's URL."""
    url = clients.sqs().create_queue(QueueName=f"{variables['EVENT_BUS']}-events")["QueueUrl"]
    arn = clients.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events, bus = clients.events(), variables["EVENT_BUS"]
    events.create_event_bus(Name=bus)
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source":[{"prefix":""}]}')
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def create_queues(variables: dict[str, str]) -> None:
    """Makes the queues that functions send to, and the bus with one that shows what came; adds their URLs."""
    for variable in (
        "SWEEP_QUEUE_URL",
        "LEFTOVERS_QUEUE_URL",
        "PRODUCT_LEFTOVERS_QUEUE_URL",
        "EXPORTS_QUEUE_URL",
        "BATCH_JOBS_QUEUE_URL",
    ):
        name = f"{variables['EVENT_BUS']}-{variable.removesuffix('_QUEUE_URL').lower()}"
        variables[variable] = clients.sqs().create_queue(QueueName=name)["QueueUrl"]
    variables["PUBLISHED_QUEUE_URL"] = create_queue(variables)


def forget() -> None:
    """Makes this process a new execution environment: no clients, no leases, no keys."""
    clients.reset()
    limits.reset()
    token_cache.reset()
    ids.reset()
    keys.reset()


def _variable(logical_id: str) -> str:
    """`BatchRequestsTable` as the functions' environment names it: `BATCH_REQUESTS_TABLE`."""
    return xform_name(logical_id).upper()


def keys_in_bucket(stores: dict[str, str], prefix: str = "") -> list[str]:
    """The keys in the bucket for contents."""
    found = clients.s3().list_objects_v2(Bucket=stores["CONTENT_BUCKET"], Prefix=prefix)
    return [content["Key"] for content in found.get("Contents", [])]
