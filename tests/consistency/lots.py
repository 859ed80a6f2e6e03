"""A collection of product batches: what is asked of it, and what is in the table, read without the service."""

import itertools
import json
import uuid
from typing import Any

from batchyard.product_batches import repository
from batchyard.product_batches.rules import ProductBatch
from batchyard.product_batches.serials.repository import decode_change, decode_stretch
from batchyard.product_batches.serials.rules import StatusChange, Stretch
from batchyard.product_batches.serials.runs import Run
from batchyard.store import clients, items
from batchyard.store.items import Item
from batchyard.store.tables import PRODUCT_BATCHES
from tests.consistency.world import World
from tests.support.api import Answer

PRODUCT = "barolo"
LARGEST_ITEM = 400 * 1024


class Collection:
    """A collection that nothing is in yet.

    Args:
        world: Where it is.
    """

    def __init__(self, world: World) -> None:
        self.api = world.api
        self.id = f"c{uuid.uuid4().hex[:12]}"
        self._owners: dict[tuple[int, int], tuple[str, int]] = {}

    # What is asked of it.

    def path(self, batch: str | None = None, rest: str = "") -> str:
        """Of its batches, or of one of them."""
        return f"/admin/collection/{self.id}/product/{PRODUCT}/batch" + ("" if batch is None else f"/{batch}{rest}")

    def create(self, batch: str, quantity: int = 0, **fields: Any) -> Answer:
        """The answer to the making of a batch."""
        return self.api.post(self.path(), {"id": batch, "quantity": quantity, **fields})

    def change(self, batch: str, status: str, *ranges: tuple[int, int]) -> Answer:
        """The answer to a change of serials, by their numbers and how many they are."""
        asked = [{"startIndex": start, "count": count} for start, count in ranges]
        return self.api.post(self.path(batch, "/serialChange"), {"status": status, "ranges": asked})

    def undo(self, batch: str, change: str) -> Answer:
        """The answer to the undoing of a change."""
        return self.api.post(self.path(batch, f"/serialChange/{change}/undo"))

    def code(self, batch: str, number: int) -> str:
        """The code of one of a batch's serials."""
        page = self.api.get(self.path(batch, f"/getSN?startIndex={number}&count=1")).json()
        return str(page["items"][0]["code"])

    # What is in the table.

    def rows(self, kind: str) -> list[Item]:
        """The items of a kind, in their order."""
        pages = (
            clients.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=PRODUCT_BATCHES.name,
                KeyConditionExpression="collection_id = :collection AND begins_with(sort_key, :kind)",
                ExpressionAttributeValues={":collection": {"S": self.id}, ":kind": {"S": kind}},
                ConsistentRead=True,
            )
        )
        return [items.decode(row) for page in pages for row in page["Items"]]

    def batches(self) -> dict[str, ProductBatch]:
        """Its batches by their IDs."""
        return {str(item["batch_id"]): repository.decode(item) for item in self.rows("batch ")}

    def stretches(self) -> list[Stretch]:
        """Its stretches of serials."""
        return [decode_stretch(item) for item in self.rows("serials ")]

    def changes(self, batch: str) -> list[StatusChange]:
        """The changes of a batch's serials, the first one first."""
        return [decode_change(item) for item in self.rows(f"change {batch} ")]

    def handed_out(self) -> int:
        """How many indices were handed out."""
        return sum(int(item["next"]) for item in self.rows("counter"))

    def wasted(self) -> int:
        """How many indices were handed out that belong to no batch."""
        return self.handed_out() - sum(batch.quantity for batch in self.batches().values())

    def runs(self, batch: str) -> list[Run]:
        """The runs of a batch's serials, by their numbers in it; neighbours of one story are one, wherever stored."""
        found: list[Run] = []
        of_batch = self.batches()[batch]
        for stretch in self.stretches():
            for run in stretch.runs if stretch.batch.id == batch else ():
                first, last = of_batch.number_of(run.first), of_batch.number_of(run.last)
                assert first is not None
                assert last is not None
                if found and (found[-1].status, found[-1].change, found[-1].last + 1) == (
                    run.status,
                    run.change,
                    first,
                ):
                    found[-1] = found[-1]._replace(last=last)
                else:
                    found.append(Run(first, last, run.status, run.change))
        return found

    def statuses(self, batch: str) -> list[tuple[int, str]]:
        """How many serials of a batch have which status, one run after the other."""
        return [(run.size, run.status) for run in self.runs(batch)]

    def must_be_whole(self, wasted: int | None = 0) -> None:
        """No index belongs to two, or to another batch than it did, and stretches tile what belongs to somebody,
        without gaps and overlaps.

        Args:
            wasted: How many indices were handed out that belong to no batch; None where that is open.
        """
        found = self.batches().values()
        self._owners |= {
            (block.first, block.last): (batch.id, batch.created) for batch in found for block in batch.blocks
        }
        for (_, before), (first, _) in itertools.pairwise(sorted(self._owners)):
            assert before < first, self._owners
        for batch in found:
            assert all(self._owners[block.first, block.last] == (batch.id, batch.created) for block in batch.blocks)
        assert max((last for _, last in self._owners), default=-1) < self.handed_out()
        assert wasted in {None, self.wasted()}
        stretches = self.stretches()
        tiles = [
            (tile.first, tile.last, tile.batch.id, tile.batch.product, tile.length, tile.key) for tile in stretches
        ]
        wanted = {
            (block.first, block.last): (batch.id, batch.product, batch.length, block.key)
            for batch in found
            for block in batch.blocks
        }
        for stretch in stretches:
            assert [run.first for run in stretch.runs[1:]] == [run.last + 1 for run in stretch.runs[:-1]]
        for (first, last), of_batch in wanted.items():
            position = first
            for tile in (tile for tile in tiles if first <= tile[1] and tile[0] <= last):
                assert (tile[0], *tile[2:]) == (position, *of_batch)
                position = tile[1] + 1
            assert position == last + 1
        assert sum(last + 1 - first for first, last, *_ in tiles) == sum(batch.quantity for batch in found)
        assert all(items.size(item) < LARGEST_ITEM for item in self.rows("change ") + self.rows("serials "))

    def state(self) -> Any:
        """What there is, without what differs between two that were treated alike."""
        return {
            batch.id: (
                json.dumps(dict(batch.fields)),
                batch.status,
                batch.version,
                [block.size for block in batch.blocks],
                self.statuses(batch.id),
                [
                    (
                        change.status,
                        change.ranges,
                        change.changed,
                        change.undone_by,
                        [run.status for run in change.before],
                    )
                    for change in self.changes(batch.id)
                ],
            )
            for batch in self.batches().values()
        }
