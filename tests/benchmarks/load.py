"""The load that all benchmarks put on what they measure, the same for Batchyard and for what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

STATUSES = ["initialized", "commit", "sent_to_remote", "ongoing", "fail", "done", "done", "done", "done", "done"]
CONTENT_TYPES = ["product", "stock", "stock", "stock", "price"]
COLLECTION = "/api/v1/channel/{channel}/batch_requests/"

# Lists are compared on channels of these sizes, page by page of this many batch requests with this many objects.
SMALL, LARGE = 1_000, 100_000
PAGE_SIZE = 100
OBJECTS_IN_LISTS = 10

Call = Callable[[str, str, object], Any]


def objects(count: int, result: bool = False) -> list[dict[str, Any]]:
    """Products with their version; as a channel's answer, with the remote name or the reason of the failure."""
    # Numbers as irregular as real ones, and the same in each run: they decide how well a list compresses.
    random = Random(20261122)
    entries: list[dict[str, Any]] = []
    pk = 1_000_000
    for _ in range(count):
        pk += random.randint(1, 40)
        seconds, microseconds, remote_id = random.randrange(86_400), random.randrange(10**6), random.randrange(10**10)
        failed = random.random() < 0.05
        version = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)
        entry = {"pk": pk, "content_type": "product", "version_date": version.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        if result:
            entry["failed_reason_type"] = "remote" if failed else None
            entry["remote_id"] = None if failed else f"ITEM-{remote_id:010}"
        entries.append(entry)
    return entries


@dataclass(frozen=True)
class Step:
    """One kind of request, as a client sends it in the life of a batch request."""

    name: str
    method: str
    body: Callable[[int], object]
    on_collection: bool = False
    query: str = ""
    share: float = 1.0


def steps(size: int) -> list[Step]:
    """A life of a batch request with `size` objects; `share` is how many requests of the kind come with one life."""
    return [
        Step("create", "POST", lambda channel: {"channel": channel}, on_collection=True),
        Step(
            f"commit {size} objects",
            "PATCH",
            lambda channel: {"channel": channel, "status": "commit", "objects": objects(size)},
        ),
        Step(
            "status move",
            "PATCH",
            lambda channel: {"channel": channel, "status": "sent_to_remote", "remote_batch_id": "remote-1"},
        ),
        Step("retrieve", "GET", lambda _: None),
        Step(
            f"done with {size} results",
            "PATCH",
            lambda channel: {"channel": channel, "status": "done", "objects": objects(size, result=True)},
        ),
        Step("list, 20 a page", "GET", lambda _: None, on_collection=True, query="?limit=20&status=done", share=0.2),
    ]


def play(call: Call, channel: int, size: int, lives: int) -> Iterator[Step]:
    """Sends every kind of request `lives` times (lists fewer), a kind at a time; tells each kind when it is done."""
    collection = COLLECTION.format(channel=channel)
    opened: list[int] = []
    for step in steps(size):
        count = round(lives * step.share)
        for number in range(count):
            if step.name == "create":
                opened.append(call(step.method, collection, step.body(channel))["pk"])
            else:
                target = collection if step.on_collection else f"{collection}{opened[number]}/"
                call(step.method, target + step.query, step.body(channel))
        yield step


@dataclass(frozen=True)
class Page:
    """A list request whose cost is measured on small and on large channels."""

    name: str
    query: str

    def target(self, channel: int, number: int = 1) -> str:
        """The page's URL on a channel."""
        parts = [f"limit={PAGE_SIZE}", self.query, f"page={number}" if number > 1 else ""]
        return f"{COLLECTION.format(channel=channel)}?{'&'.join(part for part in parts if part)}"


FIRST_PAGES = [
    Page("unfiltered", ""),
    Page("status=done", "status=done"),
    Page("status=done or fail", "status=done&status=fail"),
    Page("content_type=stock", "content_type=stock"),
    Page("status=done, content_type=stock", "status=done&content_type=stock"),
    Page("ordering=-pk", "ordering=-pk"),
    Page("ordering=created_date", "ordering=created_date"),
    Page("ordering=-created_date", "ordering=-created_date"),
    Page("ordering=modified_date", "ordering=modified_date"),
    Page("ordering=-modified_date", "ordering=-modified_date"),
    Page("ordering=status", "ordering=status"),
    Page("ordering=-status", "ordering=-status"),
    Page("ordering=content_type", "ordering=content_type"),
    Page("ordering=-content_type", "ordering=-content_type"),
    Page("ordering=status,-modified_date", "ordering=status,-modified_date"),
    Page("status=done, ordering=-modified_date", "status=done&ordering=-modified_date"),
]
