"""How many batch requests a channel has, by status and by content type and status, without reading them.

The tallies follow the table's change stream: the deltas of a batch of changes are summed and added (`store.counting`).

Rows of the `Tallies` table, per channel: `status#<status>`, and `type#<type key>#<status>`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.batch_requests import journals, repository, rules
from batchyard.batch_requests.journals import Journal
from batchyard.errors import Contended
from batchyard.store import counting, items
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import TALLIES

_MARKS = "tallied"
_JOURNALS_OPENED = 5

Row = tuple[int, str]
"""A channel and the name of one of its tallies."""


def count(channel: int, statuses: Sequence[str], content_type: str | None) -> int:
    """How many batch requests a channel has in these statuses (none for all), of this content type (None for all)."""
    prefix = "status#" if content_type is None else f"type#{repository.type_key(content_type)}#"
    wanted = {prefix + status for status in statuses or rules.STATUSES}
    return sum(number for name, number in of_channel(channel, prefix).items() if name in wanted)


def deltas(records: Sequence[Mapping[str, Any]]) -> Counter[Row]:
    """What changes of the table mean for the tallies.

    Args:
        records: Records of a DynamoDB stream, with old and new images.
    """
    found: Counter[Row] = Counter()
    for record in records:
        change = record["dynamodb"]
        for image, step in ((change.get("OldImage"), -1), (change.get("NewImage"), 1)):
            if image:
                item = items.decode({name: image[name] for name in ("channel", "status", "type_key")})
                for row in _rows_of(item):
                    found[row] += step
    return Counter({row: step for row, step in found.items() if step})


def apply(records: Sequence[Mapping[str, Any]]) -> None:
    """Counts changes of the table, each of them once.

    Args:
        records: Records of a DynamoDB stream, in its order.

    Raises:
        Contended: Recounts of a channel begin again and again.
        Unavailable: The store did not take them; none of the records that are left was counted.
    """
    # Record by record: in a batch that adds up to nothing, a part may have been counted already.
    counting.all_of([record for record in records if deltas([record])], lambda left: _add(_fitting(left)))


def _fitting(records: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """As many of the first records as one transaction can count."""
    rows: set[Row] = set()
    for position, record in enumerate(records):
        rows |= set(deltas([record]))
        # Of each channel it is looked whether a journal is open, and written to it.
        if len(rows) + 2 * len({channel for channel, _ in rows}) > counting.BESIDE_THE_MARK:
            return records[:position]
    return records


def _add(records: Sequence[Mapping[str, Any]]) -> str:
    """Adds records to the tallies, unless they were counted already; returns up to where it is counted now."""
    channels = sorted({channel for record in records for channel, _ in deltas([record])})
    updates = [
        {
            "TableName": TALLIES.name,
            "Key": items.encode({"channel": channel, "tally": name}),
            "UpdateExpression": "ADD batch_requests :step",
            "ExpressionAttributeValues": items.encode({":step": step}),
        }
        for (channel, name), step in sorted(deltas(records).items())
    ]
    mark = counting.sequence(records[0])
    opened: dict[int, Journal | None] = {}
    for _ in range(_JOURNALS_OPENED):
        writes: list[Any] = [{"Update": update} for update in updates]
        for channel in channels:
            journal = opened.get(channel)
            if journal is None:
                writes.append(journals.none_open(channel))
            else:
                writes += journals.entry(journal, mark, channel, records)
        counted = counting.commit(_MARKS, records, writes)
        if counted is not None:
            return counted
        # A recount has begun, or is over.
        opened = {channel: journals.now_open(channel) for channel in channels}
    raise Contended


def _rows_of(item: Item) -> tuple[Row, Row]:
    channel = int(item["channel"])
    by_status, by_type = names_of(str(item["type_key"]), str(item["status"]))
    return (channel, by_status), (channel, by_type)


def names_of(type_key: str, status: str) -> tuple[str, str]:
    """The names of the tallies in which a batch request is counted."""
    return f"status#{status}", f"type#{type_key}#{status}"


def of_channel(channel: int, prefix: str = "", *, consistent: bool = False) -> dict[str, int]:
    """A channel's tallies whose names begin with the prefix; those at zero are left out.

    Raises:
        Unavailable: The store did not answer.
    """
    condition, values = "channel = :channel", {":channel": channel}
    if prefix:
        condition += " AND begins_with(tally, :prefix)"
        values[":prefix"] = prefix  # type: ignore[assignment]
    rows = query(
        {
            "TableName": TALLIES.name,
            "ConsistentRead": consistent,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": items.encode(values),
        }
    )
    return {str(row["tally"]): int(row["batch_requests"]) for row in rows if row["batch_requests"]}
