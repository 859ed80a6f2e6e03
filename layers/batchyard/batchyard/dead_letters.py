"""What a stack's dead-letter queues hold, brought about once its cause is mended: every handler is idempotent.

What there is in them, and what is done about it:

- Messages of a queue that has one of these as its redrive target, and events that EventBridge could not deliver to such
  a queue: they are sent to that queue.
- Changes that a stream's handler failed at (`ChangesDeadLetterQueue`): the queue names an object of the bucket, in
  which Lambda has put the records with the function that failed, which is invoked with them. Counts are the exception:
  what a recount has found meanwhile must not be added again, so the channels, or the catalogue, are recounted.
- Scheduled runs that failed: one more run stands for all of them.

What fails again stays where it is.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchyard.errors import BatchyardError
from batchyard.store import items

_SUFFIX = "DeadLetterQueue"
_AT_ONCE = 10
# Nobody else gets a message while the longest function works on it.
_HIDDEN_S = 920
_LONGEST_RUN_S = 910


class Failed(Exception):
    """A dead letter could not be brought about; the message says why."""


@dataclass
class Outcome:
    """What became of a queue's messages.

    Args:
        queue: Its logical ID in the template.
        done: How many are dealt with.
        failed: Why others are still there.
    """

    queue: str
    done: int = 0
    failed: list[str] = field(default_factory=list)


class DeadLetters:
    """The dead letters of a stack.

    Args:
        stack: Its name.
        client: Makes a client of a service, as botocore's sessions do.
        recount: Counts a channel's batch requests anew.
        recount_entities: Counts the catalogue's entities anew.
    """

    def __init__(
        self,
        stack: str,
        client: Callable[..., Any],
        recount: Callable[[int], object],
        recount_entities: Callable[[], object],
    ) -> None:
        self._sqs = client("sqs")
        self._s3 = client("s3")
        config = Config(read_timeout=_LONGEST_RUN_S, retries={"total_max_attempts": 1})
        self._lambda = client("lambda", config=config)
        self._recount = recount
        self._recount_entities = recount_entities
        pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        found = [one for page in pages for one in page["StackResourceSummaries"]]
        self._queues = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in found
            if one["ResourceType"] == "AWS::SQS::Queue" and one["LogicalResourceId"].endswith(_SUFFIX)
        }
        self._functions = {
            one["PhysicalResourceId"]: one["LogicalResourceId"]
            for one in found
            if one["ResourceType"] == "AWS::Lambda::Function"
        }
        self._ran: set[str] = set()

    def replay(self) -> Iterator[Outcome]:
        """Brings about what all queues hold; tells of each queue when it is done with it."""
        for queue, url in sorted(self._queues.items()):
            outcome = Outcome(queue)
            sources = self._sqs.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls", [])
            for message in self._messages(url):
                try:
                    if sources:
                        self._sqs.send_message(QueueUrl=sources[0], MessageBody=message["Body"])
                    else:
                        self._bring_about(message)
                except (Failed, BatchyardError, BotoCoreError, ClientError) as error:
                    outcome.failed.append(str(error))
                else:
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    outcome.done += 1
            yield outcome

    def _messages(self, url: str) -> Iterator[dict[str, Any]]:
        while found := self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_AT_ONCE,
            VisibilityTimeout=_HIDDEN_S,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
        ).get("Messages"):
            yield from found

    def _bring_about(self, message: Mapping[str, Any]) -> None:
        body, attributes = _json(message["Body"]), message.get("MessageAttributes", {})
        match body:
            case {"source": "aws.s3", "detail": {"bucket": {"name": bucket}, "object": {"key": key}}}:
                self._apply_changes(bucket, key)
            case {"requestContext": {"functionArn": function}, "requestPayload": _}:
                # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
                self._run(function)
            case _ if "TARGET_ARN" in attributes:
                # https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
                self._run(attributes["TARGET_ARN"]["StringValue"])
            case _:
                raise Failed(f"message {message['MessageId']} names nothing that could be done")

    def _apply_changes(self, bucket: str, key: str) -> None:
        """Hands records to the function that failed at them, as the record of its invocation has them.

        https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        """
        try:
            record = _json(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except self._s3.exceptions.NoSuchKey:
            # An earlier replay was at it, or the bucket's lifecycle.
            return
        match record:
            case {"requestContext": {"functionArn": arn}, "payload": payload}:
                event, function = _json(payload) if isinstance(payload, str) else payload, _name_in(arn)
            case _:
                raise Failed(f"{key} is no record of an invocation")
        match self._functions.get(function):
            case "TallyBatchRequestsFunction":
                for channel in sorted(_channels_in(event)):
                    self._recount(channel)
            case "TallyEntitiesFunction":
                self._recount_entities()
            case _:
                failures = (self._invoke(function, event) or {}).get("batchItemFailures")
                if failures:
                    raise Failed(f"{function} fails at records of {key} again")
        self._s3.delete_object(Bucket=bucket, Key=key)

    def _run(self, function: str) -> None:
        name = _name_in(function)
        if name not in self._ran:
            self._invoke(name, {})
            self._ran.add(name)

    def _invoke(self, function: str, event: Any) -> Any:
        if function not in self._functions:
            raise Failed(f"{function} is no function of this stack")
        answer = self._lambda.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        told = answer["Payload"].read()
        if "FunctionError" in answer:
            raise Failed(f"{function} fails again: {told.decode()}")
        return _json(told)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Failed("it is no JSON") from None


def _name_in(arn: str) -> str:
    """The name in a function's ARN, whose version or alias may follow it."""
    return arn.split(":")[6]


def _channels_in(event: Mapping[str, Any]) -> set[int]:
    return {int(items.decode(record["dynamodb"]["Keys"])["channel"]) for record in event["Records"]}
