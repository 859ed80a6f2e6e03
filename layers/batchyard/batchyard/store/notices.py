"""Queue messages that name S3 objects: S3's own notifications, and ours (`{"key": "…"}`)."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

logger = logging.getLogger("batchyard")


def each_key(event: Mapping[str, Any], act: Callable[[str], None]) -> dict[str, Any]:
    """Does something for each S3 key that an SQS event names; answers the messages to deliver again.

    Args:
        event: An SQS event.
        act: What to do for a key; idempotent, since queues deliver at least once.
    """
    failures = []
    for message in event["Records"]:
        try:
            for key in _keys(json.loads(message["body"])):
                act(key)
        except Exception as error:
            # One message that fails must not keep the others of its batch from being done.
            where = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("%s at %s:%s", type(error).__name__, where.filename, where.lineno)
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def message(key: str) -> str:
    """A message of ours that names a key."""
    return json.dumps({"key": key})


def _keys(body: Mapping[str, Any]) -> Iterator[str]:
    if "key" in body:
        yield str(body["key"])
    # S3 sends a test message without records when its notifications are set up.
    for record in body.get("Records", []):
        yield unquote_plus(record["s3"]["object"]["key"])
