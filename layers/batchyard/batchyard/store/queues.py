"""Queues: messages of ours are sent, and those that were delivered are worked on one by one."""

from collections.abc import Callable, Mapping, Sequence
from itertools import batched
from typing import Any

from batchyard import threads
from batchyard.defects import log_defect
from batchyard.errors import Unavailable
from batchyard.store import clients, deliveries
from batchyard.store.calls import reaching_aws

_AT_ONCE = 10
_CALLS = 10


def send(
    url: str,
    bodies: Sequence[str],
    *,
    delay_s: int | None = None,
    attributes: Mapping[str, int] | None = None,
) -> None:
    """Sends messages, however many.

    Args:
        url: The queue's URL.
        bodies: What they say.
        delay_s: Seconds until they are delivered, 900 at most; None for as long as the queue keeps any.
        attributes: Numbers that each of them has beside its body.

    Raises:
        Unavailable: The queue did not take all of them; it may have taken some.
    """
    more: dict[str, Any] = {} if delay_s is None else {"DelaySeconds": delay_s}
    if attributes:
        more["MessageAttributes"] = {
            name: {"DataType": "Number", "StringValue": str(value)} for name, value in attributes.items()
        }
    # Of a client that is made here: threads would each make one of their own.
    send_batch = clients.sqs().send_message_batch
    portions = batched(bodies, _AT_ONCE, strict=False)

    def send_portion(portion: Sequence[str]) -> None:
        entries: list[Any] = [{"Id": str(number), "MessageBody": body, **more} for number, body in enumerate(portion)]
        with reaching_aws():
            answer = send_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise Unavailable

    threads.each(send_portion, portions, _CALLS)


def each(event: Mapping[str, Any], act: Callable[[str], None]) -> dict[str, Any]:
    """Does something for each message of an SQS event; returns the messages to deliver again.

    Args:
        event: An SQS event.
        act: What to do for a message's body; idempotent, since queues deliver at least once.
    """
    failed = []
    for message in event["Records"]:
        try:
            act(message["body"])
        except Exception as error:
            # One message that fails must not keep the others of its batch from being done.
            log_defect(error)
            failed.append(message["messageId"])
    return deliveries.again(*failed)


def deliver_again(url: str, receipt: str, seconds: int) -> None:
    """Lets a message that was delivered be delivered again in so many seconds, not only when its time is up.

    Raises:
        Unavailable: The queue did not answer.
    """
    with reaching_aws():
        clients.sqs().change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
