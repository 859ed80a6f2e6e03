"""A queue and a function behind it, with a clock of their own, so that a test sees hours of long work in a moment."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ConnectionClosedError

from batchyard import clock
from batchyard.work.deliveries import DELIVERIES
from tests.support.api import Context
from tools import aws_events

URL = "https://queue"
TIMEOUT_S = 100
HIDDEN_S = 110

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Call = Callable[[], Any]
Fault = Callable[[Call], Any]


class Killed(BaseException):
    """The worker ends here: nothing that handles errors gets to see it."""


def killed_before(call: Call) -> Any:
    raise Killed


def killed_after(call: Call) -> Any:
    call()
    raise Killed


def out_of_reach(call: Call) -> Any:
    raise ConnectionClosedError(endpoint_url="https://aws")


def answer_lost(call: Call) -> Any:
    call()
    raise ConnectionClosedError(endpoint_url="https://aws")


@dataclass
class Message:
    """A message in the queue."""

    body: str
    attributes: Mapping[str, Any]
    first_s: float | None
    visible_s: float
    number: int
    count: int = 0


@dataclass
class Workers(Context):
    """The queue, its function, and the time. Calls to AWS go through here.

    Args:
        handler: The function's.
        now_s: Seconds since the beginning.
        messages: Those that are in the queue, visible or not.
        dead: The bodies of dead letters.
        down: The services that cannot be reached.
        calls: How many calls this delivery has made.
        strikes: What happens at which of its calls.
    """

    handler: Handler
    now_s: float = 0
    messages: list[Message] = field(default_factory=list)
    dead: list[Any] = field(default_factory=list)
    down: frozenset[str] = frozenset()
    calls: int = 0
    strikes: dict[int, Fault] = field(default_factory=dict)
    _began_s: float | None = None
    _numbers: int = 0

    def take_over(self, patch: pytest.MonkeyPatch) -> None:
        """Has the service's clock and its calls go through here from now on."""
        start, real = clock.now(), botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]
        patch.setattr(clock, "now", lambda: start + round(self.now_s * 1_000_000))

        def call(client: Any, operation: str, parameters: Any) -> Any:
            service = client.meta.service_model.service_name

            def send() -> Any:
                return self._sqs(operation, parameters) if service == "sqs" else real(client, operation, parameters)

            if self._began_s is None:
                return send()
            self.calls += 1
            fault = out_of_reach if service in self.down else self.strikes.pop(self.calls, None)
            return send() if fault is None else fault(send)

        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)

    def _sqs(self, operation: str, parameters: Any) -> Any:
        assert parameters["QueueUrl"] == URL
        if operation == "SendMessageBatch":
            for entry in parameters["Entries"]:
                assert 0 <= entry.get("DelaySeconds", 0) <= 900
                self.add(entry["MessageBody"], entry.get("MessageAttributes", {}), entry.get("DelaySeconds", 0))
            return {}
        assert operation == "ChangeMessageVisibility"
        for message in self.messages:
            if str(message.number) == parameters["ReceiptHandle"]:
                message.visible_s = self.now_s + parameters["VisibilityTimeout"]
        return {}

    def add(self, body: str, attributes: Mapping[str, Any] | None = None, delay_s: float = 0) -> None:
        """Puts a message into the queue."""
        self._numbers += 1
        told = {
            name: {"dataType": one["DataType"], "stringValue": one["StringValue"]}
            for name, one in (attributes or {}).items()
        }
        self.messages.append(Message(body, told, None, self.now_s + delay_s, self._numbers))

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that the function still has."""
        assert self._began_s is not None
        return round((TIMEOUT_S - (self.now_s - self._began_s)) * 1000)

    def deliver(self, strikes: Mapping[int, Fault] | None = None, message: Message | None = None) -> bool:
        """Delivers a message as soon as it is visible; returns whether there was one.

        Args:
            strikes: What happens at which call to AWS, from 1.
            message: The message; None for the one that is visible first.
        """
        if not self.messages:
            return False
        message = message or min(self.messages, key=lambda one: (one.visible_s, one.number))
        self.now_s = max(self.now_s, message.visible_s)
        if message.count == DELIVERIES:
            self.messages.remove(message)
            self.dead.append(json.loads(message.body))
            return True
        message.count += 1
        message.visible_s = self.now_s + HIDDEN_S
        message.first_s = self.now_s if message.first_s is None else message.first_s
        record = aws_events.message(message.body, id=str(message.number)) | {
            "receiptHandle": str(message.number),
            "messageAttributes": message.attributes,
        }
        record["attributes"] |= {
            "ApproximateReceiveCount": str(message.count),
            "ApproximateFirstReceiveTimestamp": str(clock.now() // 1000 - round((self.now_s - message.first_s) * 1000)),
        }
        before = self._began_s, self.calls, self.strikes
        self._began_s, self.calls, self.strikes = self.now_s, 0, dict(strikes or {})
        try:
            failures = self.handler({"Records": [record]}, self)["batchItemFailures"]
        except Killed:
            return True
        finally:
            self._began_s, self.calls, self.strikes = before
        if failures:
            assert failures == [{"itemIdentifier": str(message.number)}]
        elif message in self.messages:
            # Somebody else may have been done with it meanwhile.
            self.messages.remove(message)
        return True

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is called within this, somebody else calls while a worker is at work."""
        began_s, self._began_s = self._began_s, None
        try:
            yield
        finally:
            self._began_s = began_s

    def run(self, until_s: float = float("inf"), most: int = 500) -> int:
        """Delivers what there is until a moment; returns how many deliveries those were."""
        count = 0
        while self.messages and min(message.visible_s for message in self.messages) <= until_s:
            count += 1
            assert count <= most, "it does not end"
            self.deliver()
        return count
