"""Tallies of batch requests: what they are, what they should be, and channels that never come to rest."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from batch_requests import tally
from batchyard.batch_requests import repository
from batchyard.store import clients
from tests.support.api import Api, batches
from tests.support.streams import Stream, deliver

Records = list[dict[str, Any]]


def tallied(stores: dict[str, str]) -> dict[tuple[int, str], int]:
    """All tallies that are not zero."""
    items = clients.dynamodb().scan(TableName=stores["TALLIES_TABLE"])["Items"]
    found = {(int(item["channel"]["N"]), item["tally"]["S"]): int(item["batch_requests"]["N"]) for item in items}
    return {row: number for row, number in found.items() if number}


def right(stores: dict[str, str]) -> dict[tuple[int, str], int]:
    """What the tallies should be, counted in the table."""
    found: Counter[tuple[int, str]] = Counter()
    for item in clients.dynamodb().scan(TableName=stores["BATCH_REQUESTS_TABLE"])["Items"]:
        channel, status = int(item["channel"]["N"]), item["status"]["S"]
        found[channel, f"status#{status}"] += 1
        found[channel, f"type#{repository.type_key(item.get('content_type', {}).get('S'))}#{status}"] += 1
    return dict(found)


def count(records: Records) -> None:
    assert deliver(tally.handler, records) == {"batchItemFailures": []}


DAMAGE = {"status#initialized": 3, "status#done": -2, "type#1x#commit": 1, "type#1gone#fail": 4}


def damage(stores: dict[str, str], channel: int, steps: Mapping[str, int] = DAMAGE) -> None:
    """Makes tallies of a channel wrong."""
    for name, step in steps.items():
        clients.dynamodb().update_item(
            TableName=stores["TALLIES_TABLE"],
            Key={"channel": {"N": str(channel)}, "tally": {"S": name}},
            UpdateExpression="ADD batch_requests :step",
            ExpressionAttributeValues={":step": {"N": str(step)}},
        )


def noted_in(stores: dict[str, str]) -> int:
    items = clients.dynamodb().scan(TableName=stores["EPHEMERA_TABLE"])["Items"]
    return sum(item["id"]["S"].startswith("recount#") for item in items)


class Busy:
    """A channel in which something changes all the time, and whose stream is counted a moment later.

    Args:
        channel: Its primary key.
        at: Sets the clock.
        seed: What happens.
    """

    def __init__(self, api: Api, channel: int, stream: Stream, at: Callable[[float], None], seed: int) -> None:
        self.api, self.channel, self.stream, self.at = api, channel, stream, at
        self.source = random.Random(seed)
        self.urls: list[str] = []
        self.waiting: Records = []
        self.seconds = 0.0

    def change(self) -> None:
        """Opens, moves or removes a batch request."""
        self.seconds += 0.3
        self.at(self.seconds)
        if len(self.urls) < 6 or self.source.random() < 0.4:
            self.urls.append(batches(self.channel, self.api.open_batch(self.channel)["pk"]))
            return
        url = self.source.choice(self.urls)
        if self.source.random() < 0.3:
            self.urls.remove(url)
            assert self.api.delete(url).status == 204
        else:
            wanted = {"status": self.source.choice(["commit", "done"]), "content_type": self.source.choice("xy")}
            self.api.patch(url, wanted)

    def begin(self, changes: int) -> None:
        """Changes, and all of that counted; of what was before, the stream has told somebody else."""
        self.stream.read()
        for _ in range(changes):
            self.change()
        self.deliver(all=True)

    def deliver(self, *, all: bool = False) -> None:
        """Has the stream counted, mostly not up to its end, and some of it twice."""
        self.waiting += self.stream.read()
        number = len(self.waiting) if all else self.source.randrange(len(self.waiting) + 1)
        if number:
            count(self.waiting[:number])
            if self.source.random() < 0.3:
                count(self.waiting[:number])
        self.waiting = self.waiting[number:]

    def go_on(self) -> None:
        """What happens in the midst of anything."""
        for _ in range(self.source.randrange(4)):
            self.change()
        if self.source.random() < 0.5:
            self.deliver()

    def rest(self) -> None:
        """What happens while a recount waits: all that was there before is counted by then."""
        self.deliver(all=True)
        self.seconds += 5
        self.go_on()
