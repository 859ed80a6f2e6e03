"""Queue messages that name S3 objects: S3's own notifications, and ours (`{"key": "…"}`)."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from batchyard.store import queues


def each_key(event: Mapping[str, Any], act: Callable[[str], None]) -> dict[str, Any]:
    """Does something for each S3 key that an SQS event names; returns the messages to deliver again.

    Args:
        event: An SQS event.
        act: What to do for a key; idempotent, since queues deliver at least once.
    """

    def act_on(body: str) -> None:
        for key in keys(json.loads(body)):
            act(key)

    return queues.each(event, act_on)


def message(key: str) -> str:
    """A message of ours that names a key."""
    return json.dumps({"key": key})


def keys(body: Mapping[str, Any]) -> Iterator[str]:
    """The keys that a message names, S3's or ours."""
    if "key" in body:
        yield str(body["key"])
    # S3 sends a test message without records when its notifications are set up.
    for record in body.get("Records", []):
        yield unquote_plus(record["s3"]["object"]["key"])
