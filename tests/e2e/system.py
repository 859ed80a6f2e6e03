"""What is there to see of a deployed system, besides its answers."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from tools.local_stack import LocalStack

_PATIENCE = 120


def eventually[T](look: Callable[[], T | None]) -> T:
    """What `look` returns once it is true; streams and queues take their moment."""
    deadline = time.monotonic() + _PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.2)
    return found


def invoke(stack: LocalStack, logical_id: str, event: Any) -> Any:
    answer = stack.engine.client("lambda").invoke(
        FunctionName=stack.physical_id(logical_id), Payload=json.dumps(event).encode()
    )
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return body


def messages(stack: LocalStack, logical_id: str) -> Iterator[Any]:
    """Takes what a queue holds."""
    sqs, url = stack.engine.client("sqs"), stack.physical_id(logical_id)
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            yield json.loads(message["Body"])
