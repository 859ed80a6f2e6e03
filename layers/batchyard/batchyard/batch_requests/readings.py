"""What a recount has read of the index so far, kept beside its journal: after one that is killed the next reads on.

As long as the journal is open, it does not matter when a part of the index was read: whatever has changed since is
noted, and only of what is not noted the index is counted.

Why: docs/decisions.md#a-recount-reads-along
"""

import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.batch_requests.journals import KEPT_SECONDS, Kind
from batchyard.jsontext import dumps
from batchyard.store import clients, items
from batchyard.store.calls import code_of, old_item, reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import EPHEMERA

_ROWS_AT_ONCE = 20_000
"""Rows after which a part is kept: 160 kB of primary keys, of the 400 of an item."""

_KINDS_AT_ONCE = 50
"""Kinds that a part has at most: each takes two queries, however few rows it has."""

_STEP = 1000


@dataclass(slots=True)
class Reading:
    """The index of a channel's batch requests as far as it was read.

    Args:
        journal: The journal of the recount.
        index: The primary keys by kind.
        last: The kind and the primary key that were read last; None at the beginning.
        ended_us: When all of it was read, in microseconds since the Unix epoch; None before that.
    """

    journal: str
    index: dict[Kind, "array[int]"] = field(default_factory=dict)
    last: tuple[Kind, int] | None = None
    ended_us: int | None = None
    _parts: int = 0
    _unkept: list[tuple[Kind, "array[int]"]] = field(default_factory=list)

    def add(self, kind: Kind, pks: Iterable[int]) -> bool:
        """Reads what is next, and keeps it from time to time; False where another recount has gone on here.

        Raises:
            Unavailable: The store did not take it.
        """
        if len(self._unkept) >= _KINDS_AT_ONCE and not self._keep():
            return False
        for some in batched(pks, _STEP, strict=False):
            read = array("q", some)
            self._unkept.append((kind, read))
            self._take(kind, read)
            if sum(len(rows) for _, rows in self._unkept) >= _ROWS_AT_ONCE and not self._keep():
                return False
        return True

    def end(self, moment_us: int) -> bool:
        """Keeps what is left and that this is all; False where another recount has gone on here.

        Args:
            moment_us: The present moment, in microseconds since the Unix epoch.

        Raises:
            Unavailable: The store did not take it.
        """
        self.ended_us = moment_us
        return self._keep()

    def take_part(self, part: Item) -> None:
        """Takes in a part that was kept."""
        pks = array("q")
        pks.frombytes(part["pks"])  # type: ignore[arg-type]
        begin = 0
        for type_key, status, number in json.loads(str(part["kinds"])):
            self._take((type_key, status), pks[begin : begin + number])
            begin += number
        self.ended_us = items.number(part, "ended")
        self._parts += 1

    def _take(self, kind: Kind, pks: "array[int]") -> None:
        self.index.setdefault(kind, array("q")).extend(pks)
        self.last = kind, pks[-1]

    def _keep(self) -> bool:
        item: Item = {
            "id": _id(self.journal),
            "at": self._parts,
            "kinds": dumps([[*kind, len(pks)] for kind, pks in self._unkept]),
            "pks": b"".join(pks.tobytes() for _, pks in self._unkept),
            "expires": clock.now_s() + KEPT_SECONDS,
        }
        if self.ended_us is not None:
            item["ended"] = self.ended_us
        try:
            with reaching_aws():
                clients.dynamodb().put_item(
                    TableName=EPHEMERA.name,
                    Item=items.encode(item),
                    ConditionExpression="attribute_not_exists(id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            # A write whose answer got lost meets itself.
            if old_item(error) != item:
                return False
        self._parts += 1
        self._unkept.clear()
        return True


def kept(journal: str) -> Reading:
    """What was read for a recount that has this journal.

    Raises:
        Unavailable: The store did not answer.
    """
    found = Reading(journal)
    for part in _parts_of(journal):
        found.take_part(part)
    return found


def _parts_of(journal: str) -> Iterator[Item]:
    return query(
        {
            "TableName": EPHEMERA.name,
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": _id(journal)}},
            "ConsistentRead": True,
        }
    )


def _id(journal: str) -> str:
    return f"recounted#{journal}"
