"""The template's stores on an engine: moto, DynamoDB Local or MiniStack, whichever the AWS client speaks to."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from batchyard.batch_requests import ids
from batchyard.http import limits
from batchyard.store import clients
from tests.support.template import resources

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
        "PUBLIC_URL": "",
        "REQUESTS_PER_MINUTE": "2000",
        "POWERTOOLS_SERVICE_NAME": "batchyard",
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
        dynamodb.create_table(TableName=variables[_variable(name)], **wanted)


def create_bucket(variables: Mapping[str, str]) -> None:
    """Makes the bucket for contents."""
    clients.s3().create_bucket(
        Bucket=variables["CONTENT_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )


def create_queue(variables: Mapping[str, str]) -> str:
    """Makes a queue and an event bus whose every event goes to it; answers the queue's URL."""
    url = clients.sqs().create_queue(QueueName=f"{variables['EVENT_BUS']}-events")["QueueUrl"]
    arn = clients.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events, bus = clients.events(), variables["EVENT_BUS"]
    events.create_event_bus(Name=bus)
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source":[{"prefix":""}]}')
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def forget() -> None:
    """Makes this process a new execution environment: no clients, no leases."""
    clients.reset()
    limits.reset()
    ids.reset()


def _variable(logical_id: str) -> str:
    """`BatchRequestsTable` as the functions' environment names it: `BATCH_REQUESTS_TABLE`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).upper()
