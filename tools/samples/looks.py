"""Looks at the stores: what became of the sample world."""

import gzip
import json
import os
from collections.abc import Callable
from typing import Any

from batchyard.batch_jobs import repository as jobs
from batchyard.batch_jobs.rules import Job
from batchyard.batch_requests import repository
from batchyard.batch_requests.rules import BatchRequest
from batchyard.catalogue import tally
from batchyard.catalogue.entities import owns
from batchyard.catalogue.repository import get_entity, read_entities
from batchyard.catalogue.rules import Entity
from batchyard.product_batches import repository as product_batches
from batchyard.product_batches import sort_keys
from batchyard.product_batches.rules import ProductBatch
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.store import blobs, clients, items
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_REQUESTS, CHANNELS, PRODUCT_BATCHES, TALLIES, Table
from batchyard.store.unit import Unit, read_one
from tools import sample_world as world

Look = Callable[[], object]


def all_of(*looks: Look) -> Look:
    return lambda: [look() for look in looks]


def batch(sample: BatchRequest) -> Callable[[], BatchRequest | None]:
    """A batch request as it is now."""

    def look() -> BatchRequest | None:
        item = read_one(BATCH_REQUESTS, repository.key_of(sample.channel, sample.pk))
        return None if item is None else repository.decode(item, blobs.read)

    return look


def some(sample: BatchRequest, *names: str) -> Look:
    """Some attributes of a batch request."""

    def look() -> object:
        found = batch(sample)()
        return found and {name: getattr(found, name) for name in names}

    return look


def log_of(sample: BatchRequest) -> Look:
    """Its log file."""

    def look() -> object:
        found = batch(sample)()
        return _content(found.log_key) if found and found.log_key else None

    return look


def how_many() -> int:
    """Batch requests of the marketplace."""
    return len(_rows(BATCH_REQUESTS, "channel", world.MARKETPLACE.pk))


def tallies() -> dict[int, dict[str, int]]:
    """What is counted of the two channels with batch requests."""
    return {
        channel: {
            str(row["tally"]): int(row["batch_requests"])
            for row in _rows(TALLIES, "channel", channel)
            if row["batch_requests"]
        }
        for channel in (world.MARKETPLACE.pk, world.SLOW.pk)
    }


def entities() -> int:
    """How many entities are counted."""
    return tally.number()


def channel(pk: int) -> Callable[[], Item | None]:
    """A channel's item."""
    return lambda: read_one(CHANNELS, {"yard": "channels", "pk": pk})


def content(key: str) -> Look:
    """The content of a blob, unzipped where it is a log file; None where there is none."""
    return lambda: _content(key)


def entity(id: int) -> Callable[[], Entity | None]:
    """An entity of the catalogue as it is now."""
    return lambda: get_entity(Unit(), id)


def attributes(id: int) -> Callable[[], dict[str, str]]:
    """The attributes of an entity, as it stores them now."""
    return lambda: dict(owns(read_entities([id]).values())[id].attributes)


def _content(key: str) -> str | None:
    with blobs.reading(key) as body:
        found = None if body is None else body.read()
    if found is None:
        return None
    return (gzip.decompress(found) if key.startswith("logs/") else found).decode()


def keys(prefix: str) -> list[str]:
    """The keys of all blobs that begin like this."""
    found = clients.s3().list_objects_v2(Bucket=blobs.bucket(), Prefix=prefix)
    return [content["Key"] for content in found.get("Contents", [])]


def product_batch(sample: ProductBatch) -> Callable[[], ProductBatch | None]:
    """A product batch as it is now."""

    def look() -> ProductBatch | None:
        item = read_one(PRODUCT_BATCHES, sort_keys.key_of(sample.key))
        return None if item is None else product_batches.decode(item)

    return look


def status(sample: ProductBatch) -> Look:
    """Its status."""

    def look() -> str | None:
        found = product_batch(sample)()
        return None if found is None else found.status

    return look


def statuses(sample: ProductBatch) -> Callable[[], list[tuple[int, int, str]]]:
    """The statuses of its serials: first and last index, and what they are."""

    def look() -> list[tuple[int, int, str]]:
        stretches = serials_repository.every_stretch(Unit(), sample)
        return [(run.first, run.last, run.status) for stretch in stretches for run in stretch.runs]

    return look


def scans(index: int) -> Look:
    """How often a serial was verified."""

    def look() -> int:
        item = read_one(PRODUCT_BATCHES, {"collection_id": world.COLLECTION, "sort_key": f"scan {index:015}"})
        return int(item["scans"]) if item else 0

    return look


def in_outlet() -> list[str]:
    """What is in the other collection, without the batch that is to expire."""
    rows = _rows(PRODUCT_BATCHES, "collection_id", world.OUTLET)
    return sorted({str(row["sort_key"]).partition(" ")[0] for row in rows} - {"batch"})


def published() -> object:
    """What of batch requests went to the bus and to the sweep."""
    details = [message["detail"] for message in messages("PUBLISHED_QUEUE_URL")]
    moves = sorted((detail["pk"], detail["old_status"], detail["new_status"], detail["objects"]) for detail in details)
    return [moves, messages("SWEEP_QUEUE_URL")]


def told() -> object:
    """What of product batches went to the bus and to their clean-up."""
    return told_with("LEFTOVERS_QUEUE_URL")


def told_with(variable: str) -> object:
    """What went to the bus, and to the queue whose URL a variable of the environment holds."""
    events = sorted(messages("PUBLISHED_QUEUE_URL"), key=lambda event: str(event["detail"]["change"]))
    facts = [(event["detail-type"], {**event["detail"], "change": None}) for event in events]
    return [facts, messages(variable)]


def job_statuses() -> list[tuple[str, str]]:
    """The user's jobs, the first one first: their types, and where they are."""
    ids = list(jobs.ids_of(world.JOB.owner, descending=False, limit=100))
    return [(job.type, job.status) for job in jobs.read(ids)]


def job_status(job: Job) -> Look:
    """Where a job is."""

    def look() -> str | None:
        found = jobs.get(Unit(), job.id)
        return None if found is None else found.status

    return look


def job_moves() -> list[tuple[str, str, str, str]]:
    """What of jobs went to the bus."""
    details = [message["detail"] for message in messages("PUBLISHED_QUEUE_URL")]
    return sorted((detail["id"], detail["oldStatus"], detail["newStatus"], detail["updatedAt"]) for detail in details)


def messages(variable: str) -> list[Any]:
    """What is in the queue whose URL a variable of the environment holds."""
    found = clients.sqs().receive_message(
        QueueUrl=os.environ[variable], MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=1
    )
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def _rows(table: Table, key: str, value: int | str) -> list[Item]:
    request = {
        "TableName": table.name,
        "KeyConditionExpression": "#key = :value",
        "ExpressionAttributeNames": {"#key": key},
        "ExpressionAttributeValues": items.encode({":value": value}),
        "ConsistentRead": True,
    }
    return list(query(request))
