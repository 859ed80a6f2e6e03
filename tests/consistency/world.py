"""A deployment on an engine, and what AWS does in it by itself: done when a test says so, handler by handler."""

import base64
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import botocore.session

import batch_requests.publish
import batch_requests.sweep
import batch_requests.tally
from batchyard.batch_requests import ids, repository, rules
from batchyard.batch_requests.sweeping import POINTERS
from batchyard.http import limits
from batchyard.serial_codes import keys
from batchyard.store import blobs, clients, items
from batchyard.store.items import Item
from batchyard.store.tables import BATCH_REQUESTS, TALLIES
from tests.support import aws
from tests.support.api import Api, Context
from tools import aws_events

_STREAM_HANDLERS = {"tally": batch_requests.tally.handler, "publish": batch_requests.publish.handler}


class World:
    """A deployment: the template's tables with the stream, bucket, secret, queue and event bus.

    Args:
        variables: The environment of the functions, of this process too.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.api = Api()
        self._variables = variables
        self._streams: Any = botocore.session.Session().create_client("dynamodbstreams")
        self._iterators: dict[str, str] = {}
        self._notified: set[str] = set()
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        aws.create_tables(self._variables)
        aws.create_bucket(self._variables)
        aws.create_secret(self._variables)
        table = clients.dynamodb().describe_table(TableName=BATCH_REQUESTS.name)["Table"]
        self._stream = table["LatestStreamArn"]
        self._events_queue = aws.create_queue(self._variables)
        self.sweep_queue = clients.sqs().create_queue(QueueName=f"{self._variables['EVENT_BUS']}-sweep")["QueueUrl"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.close()

    def new_process(self) -> None:
        """What comes next runs in a new execution environment."""
        limits.reset()
        ids.reset()
        keys.reset()

    # What AWS does by itself.

    def deliver(self, handler: str) -> None:
        """Gives a stream handler the changes that it has not taken yet; it has taken them once it says so.

        Lambda does the same: where a delivery fails, the next one begins with the same record.
        """
        records, following = self._records(self._iterators.get(handler) or self._beginning())
        if records:
            assert _STREAM_HANDLERS[handler]({"Records": records}, Context()) == {"batchItemFailures": []}
            self._iterators[handler] = following

    def follow(self) -> None:
        """Lets everything happen that changes set off, until a quarter of an hour has passed."""
        self.deliver("tally")
        self.deliver("publish")
        kept = {key for key in self.stored() if not key.startswith(blobs.UPLOADS)}
        sweep({**notices_of_ours(self._received(self.sweep_queue)), **notices_of_s3(kept - self._notified)})
        # S3 tells once of each key: none is ever stored twice.
        self._notified |= kept

    def _records(self, iterator: str) -> tuple[list[dict[str, Any]], str]:
        """The records from an iterator on, and the iterator of those to come."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self._streams.get_records(ShardIterator=iterator)
            if not answer["Records"]:
                return found, iterator
            found += map(_as_lambda_has_it, answer["Records"])
            iterator = answer["NextShardIterator"]

    def _beginning(self) -> str:
        # The engines have one shard, until it is hours old.
        (shard,) = self._streams.describe_stream(StreamArn=self._stream)["StreamDescription"]["Shards"]
        return str(
            self._streams.get_shard_iterator(
                StreamArn=self._stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        )

    def _received(self, queue: str) -> list[str]:
        bodies: list[str] = []
        while messages := clients.sqs().receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in messages]
            done: Any = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
            assert not clients.sqs().delete_message_batch(QueueUrl=queue, Entries=done).get("Failed")
        return bodies

    # What there is.

    def items(self, channel: int) -> list[Item]:
        """A channel's batch requests as items, in order of their primary keys."""
        return self._rows(BATCH_REQUESTS.name, channel)

    def tallies(self, channel: int) -> dict[str, int]:
        """A channel's tallies, without those at zero."""
        rows = self._rows(TALLIES.name, channel)
        return {str(row["tally"]): int(row["batch_requests"]) for row in rows if row["batch_requests"]}

    def stored(self, channel: int | None = None, *kinds: str) -> set[str]:
        """The keys in the bucket, or those of a channel, of these kinds."""
        pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=blobs.bucket())
        keys = {found["Key"] for page in pages for found in page.get("Contents", [])}
        if channel is None:
            return keys
        return {key for key in keys if key.startswith(tuple(f"{kind}/{channel}/" for kind in kinds))}

    def events(self, channel: int) -> list[dict[str, Any]]:
        """The events of a channel so far, as EventBridge passed them on."""
        self._events += [json.loads(body)["detail"] for body in self._received(self._events_queue)]
        return [event for event in self._events if event["channel"] == channel]

    def state(self, channel: int) -> list[dict[str, Any]]:
        """What became of a channel's batch requests, in their order: everything that clients and subscribers see of
        them, without what differs between two that were treated alike."""
        return [
            {
                "status": batch.status,
                "remote_batch_id": batch.remote_batch_id,
                "content_type": batch.content_type,
                "objects": batch.objects,
                "counts": (batch.object_count, batch.failed_count),
                "log": None if batch.log_key is None else gzip.decompress(blobs.read(batch.log_key)).decode(),
                "version": batch.version,
            }
            for batch in (repository.decode(item, blobs.read) for item in self.items(channel))
        ]

    def moves(self, channel: int) -> set[tuple[int, str | None, str | None]]:
        """The moves that were published, by the place of their batch requests in the channel."""
        events = self.events(channel)
        places = {pk: place for place, pk in enumerate(sorted({event["pk"] for event in events}))}
        return {(places[event["pk"]], event["old_status"], event["new_status"]) for event in events}

    def must_be_whole(self, channel: int) -> None:
        """Nothing dangles: each pointer has its blob, each blob its pointer, and the tallies are what there is."""
        found = self.items(channel)
        pointers = {str(item[name]) for item in found for name in POINTERS if name in item}
        assert self.stored(channel, blobs.OBJECTS, blobs.LOGS) == pointers
        for item in found:
            batch = repository.decode(item, blobs.read)
            assert len(json.loads(batch.objects or "[]")) == batch.object_count
            if batch.log_key is not None:
                assert hashlib.sha256(gzip.decompress(blobs.read(batch.log_key))).hexdigest() == batch.log_digest
        assert self.tallies(channel) == counted(found)

    def _rows(self, table: str, channel: int) -> list[Item]:
        query = clients.dynamodb().get_paginator("query")
        pages = query.paginate(
            TableName=table,
            KeyConditionExpression="channel = :channel",
            ExpressionAttributeValues={":channel": {"N": str(channel)}},
            ConsistentRead=True,
        )
        return [items.decode(row) for page in pages for row in page["Items"]]


def counted(found: list[Item]) -> dict[str, int]:
    """What the tallies of these batch requests should be."""
    names: Counter[str] = Counter()
    for item in found:
        assert item["status"] in rules.STATUSES
        names.update([f"status#{item['status']}", f"type#{item['type_key']!s}#{item['status']}"])
    return dict(names)


def notices_of_ours(bodies: list[str]) -> dict[str, str]:
    """Messages as the change stream's handler queued them, by the keys that they name."""
    return {json.loads(body)["key"]: body for body in bodies}


def notices_of_s3(keys: set[str]) -> dict[str, str]:
    """Messages as S3 queues them when something was stored, by the keys that they name."""
    return {key: aws_events.stored(key) for key in sorted(keys)}


def queued(bodies: Mapping[str, str]) -> dict[str, Any]:
    """The event of messages from a queue."""
    return {"Records": [aws_events.message(body, id=name) for name, body in bodies.items()]}


def sweep(bodies: Mapping[str, str]) -> None:
    """Has the sweep look at the keys of messages."""
    assert batch_requests.sweep.handler(queued(bodies), Context()) == {"batchItemFailures": []}


def _as_lambda_has_it(record: dict[str, Any]) -> dict[str, Any]:
    """A record as Lambda hands it on: JSON, binary values in base64, moments as numbers."""

    def plain(value: object) -> object:
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value.timestamp()  # type: ignore[attr-defined]

    converted: dict[str, Any] = json.loads(json.dumps(record, default=plain))
    return converted
