"""What functions send: messages in queues, and events that a bus takes or refuses."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from batchyard.store import clients


def drained(url: str) -> list[Any]:
    """The bodies of all messages of a queue, in order; they are removed."""
    found = []
    while messages := clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            clients.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@contextmanager
def refusing(is_refused: Callable[[Any], bool]) -> Iterator[list[int]]:
    """Lets the bus refuse events of these details; notes how many it gets at once."""
    client, sizes = clients.events(), []
    put = client.put_events

    def some(Entries: Any) -> Any:
        sizes.append(len(Entries))
        refused = [is_refused(json.loads(entry["Detail"])) for entry in Entries]
        put(Entries=[entry for entry, no in zip(Entries, refused, strict=True) if not no])
        results = [{"ErrorCode": "ThrottlingException"} if no else {"EventId": "e"} for no in refused]
        return {"FailedEntryCount": sum(refused), "Entries": results}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "put_events", some)
        yield sizes
