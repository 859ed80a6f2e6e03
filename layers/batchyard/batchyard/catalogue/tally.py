"""How many entities there are, without reading them: a tally that follows the table's change stream.

It is a row of the `Tallies` table in the place of a channel that there is none of: channels have primary keys from 1.

Why: docs/decisions.md#entities-have-one-tally-repaired-when-the-catalogue-rests
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.catalogue import codec, entity_lists
from batchyard.errors import Contended
from batchyard.store import clients, counting, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Key
from batchyard.store.tables import TALLIES
from batchyard.store.unit import read_one, retrying

_PLACE: Key = {"channel": 0, "tally": "entities"}
_NUMBER = "entities"
_MARKS = "tallied entities"
_ALL = 2**31
"""There are no more IDs."""

_LOOKS = 6
_REST_SECONDS = 10


def number() -> int:
    """How many entities there are, a moment behind.

    Raises:
        Unavailable: The store did not answer.
    """
    return items.number(read_one(TALLIES, _PLACE) or {}, _NUMBER) or 0


def apply(records: Sequence[Mapping[str, Any]]) -> None:
    """Counts what was made and removed, each change once.

    Args:
        records: Records of the table's stream, in its order.

    Raises:
        Contended: Others keep counting at the same moment; none of the records that are left was counted.
        Unavailable: The store did not take them; likewise.
    """
    # A table of many partitions has streams that are counted side by side.
    counting.all_of([record for record in records if _step(record)], lambda left: retrying(lambda _: _add(left)))


def recount() -> int:
    """Counts all entities anew and repairs the tally; returns by how much it was less than it should be.

    Raises:
        Contended: Entities were made, removed or counted all the time.
        Unavailable: The store did not answer.
    """
    former = None
    for _ in range(_LOOKS):
        there, tallied = seen = entity_lists.count(_ALL), number()
        if there == tallied:
            return 0
        if seen == former:
            # Whatever is counted meanwhile is counted besides.
            with reaching_aws():
                clients.dynamodb().update_item(**_adding(there - tallied))
            return there - tallied
        former = seen
        _rest()
    raise Contended


def _rest() -> None:
    # The stream is a moment behind the table, and so is the index.
    time.sleep(_REST_SECONDS)


def _step(record: Mapping[str, Any]) -> int:
    change = record["dynamodb"]
    if change["Keys"]["part"]["S"] != codec.ENTITY:
        return 0
    return ("NewImage" in change) - ("OldImage" in change)


def _add(records: Sequence[Mapping[str, Any]]) -> str:
    counted = counting.commit(_MARKS, records, [{"Update": _adding(sum(map(_step, records)))}])
    assert counted is not None  # noqa: S101 (for the type checker: nothing of it has a condition)
    return counted


def _adding(step: int) -> dict[str, Any]:
    return {
        "TableName": TALLIES.name,
        "Key": items.encode(_PLACE),
        "UpdateExpression": f"ADD {_NUMBER} :step",
        "ExpressionAttributeValues": items.encode({":step": step}),
    }
