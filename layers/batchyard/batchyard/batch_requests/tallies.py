"""How many batch requests a channel has, by status and by content type and status, without reading them.

The tallies follow the table's change stream: the deltas of a batch of changes are summed and added in one transaction,
together with a mark that this batch was counted. A batch that is delivered again finds its mark and changes nothing.
Lambda may deliver it again with more records at its end; the mark therefore says up to where it was counted, and the
rest is counted as a batch of its own.

Rows of the `Tallies` table, per channel: `status#<status>`, and `type#<type key>#<status>`.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.batch_requests import repository, rules
from batchyard.errors import Contended
from batchyard.store import clients, items
from batchyard.store.calls import cancellation_reasons, code_of, old_item, reaching_aws
from batchyard.store.items import Item, Key
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_REQUESTS, EPHEMERA, TALLIES

_KEPT_SECONDS = 48 * 3600
_DELTAS_AT_ONCE = 99
_RECOUNTS = 5
_REST_SECONDS = 5

Row = tuple[int, str]
"""A channel and the name of one of its tallies."""


def count(channel: int, statuses: Sequence[str], content_type: str | None) -> int:
    """How many batch requests a channel has in these statuses (none for all), of this content type (None for all)."""
    prefix = "status#" if content_type is None else f"type#{repository.type_key(content_type)}#"
    wanted = {prefix + status for status in statuses or rules.STATUSES}
    return sum(number for name, number in _of(channel, prefix).items() if name in wanted)


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
        Unavailable: The store did not take them; none of the records that are left was counted.
    """
    # Record by record: in a batch that adds up to nothing, a part may have been counted already.
    left = [record for record in records if deltas([record])]
    while left:
        batch = _fitting(left)
        mark, last = _sequence(batch[0]), _sequence(batch[-1])
        counted = _add(deltas(batch), mark, last)
        left = [record for record in left if int(_sequence(record)) > int(counted)]


def recount(channel: int) -> dict[str, int]:
    """Counts a channel's batch requests anew and repairs its tallies; answers by how much each was off.

    The stream goes on meanwhile and is a moment behind the table, as the index is in which they are counted. So a
    difference is an error only if it is still the same, and nothing changed, a while later; and a tally is corrected
    only as long as it is the one that was found wrong.

    Raises:
        Contended: The channel did not come to rest.
    """
    repaired: Counter[str] = Counter()
    for _ in range(_RECOUNTS):
        before, actual = _of(channel, ""), _actual(channel)
        off = sorted(name for name in {*before, *actual} if before.get(name, 0) != actual.get(name, 0))
        if off:
            _rest()
            if before != _of(channel, "") or actual != _actual(channel):
                continue
        corrected = [name for name in off if _correct(channel, name, before.get(name, 0), actual.get(name, 0))]
        repaired.update({name: actual.get(name, 0) - before.get(name, 0) for name in corrected})
        if corrected == off:
            return dict(repaired)
    raise Contended


def _rest() -> None:
    time.sleep(_REST_SECONDS)


def _correct(channel: int, name: str, found: int, right: int) -> bool:
    """Puts a tally right; false where it is no longer the one that was found."""
    absent = "attribute_not_exists(batch_requests) OR " if found == 0 else ""
    try:
        with reaching_aws():
            clients.dynamodb().update_item(
                TableName=TALLIES.name,
                Key=items.encode({"channel": channel, "tally": name}),
                UpdateExpression="SET batch_requests = :right",
                ConditionExpression=f"{absent}batch_requests = :found",
                ExpressionAttributeValues=items.encode({":found": found, ":right": right}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
    except ClientError as error:
        if code_of(error) not in {"ConditionalCheckFailedException", "TransactionConflictException"}:
            raise
        # It is right already where botocore repeated a correction whose answer got lost.
        return (old_item(error) or {}).get("batch_requests") == right
    return True


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _fitting(records: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """As many of the first records as one transaction can count."""
    rows: set[Row] = set()
    for position, record in enumerate(records):
        rows |= set(deltas([record]))
        if len(rows) > _DELTAS_AT_ONCE:
            return records[:position]
    return records


def _add(steps: Counter[Row], mark: str, last: str) -> str:
    """Adds to the tallies, unless the batch under this mark was counted; answers up to where it is counted now."""
    place: Key = {"id": f"tallied#{mark}", "at": 0}
    writes: list[Any] = [
        {
            "Put": {
                "TableName": EPHEMERA.name,
                "Item": items.encode({**place, "last": last, "expires": clock.now_s() + _KEPT_SECONDS}),
                "ConditionExpression": "attribute_not_exists(id)",
            }
        }
    ]
    for (channel, name), step in sorted(steps.items()):
        update = {
            "TableName": TALLIES.name,
            "Key": items.encode({"channel": channel, "tally": name}),
            "UpdateExpression": "ADD batch_requests :step",
            "ExpressionAttributeValues": items.encode({":step": step}),
        }
        writes.append({"Update": update})
    try:
        with reaching_aws():
            clients.dynamodb().transact_write_items(TransactItems=writes)
    except ClientError as error:
        if (
            code_of(error) != "TransactionCanceledException"
            or cancellation_reasons(error)[0] != "ConditionalCheckFailed"
        ):
            raise
        with reaching_aws():
            found = clients.dynamodb().get_item(TableName=EPHEMERA.name, Key=items.encode(place), ConsistentRead=True)
        return str(items.decode(found["Item"])["last"])
    return last


def _rows_of(item: Item) -> tuple[Row, Row]:
    channel, status, type_key = int(item["channel"]), str(item["status"]), str(item["type_key"])
    return (channel, f"status#{status}"), (channel, f"type#{type_key}#{status}")


def _of(channel: int, prefix: str) -> dict[str, int]:
    """A channel's tallies whose names begin with the prefix; those at zero are left out."""
    condition, values = "channel = :channel", {":channel": channel}
    if prefix:
        condition += " AND begins_with(tally, :prefix)"
        values[":prefix"] = prefix  # type: ignore[assignment]
    rows = query(
        {
            "TableName": TALLIES.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": items.encode(values),
        }
    )
    return {str(row["tally"]): int(row["batch_requests"]) for row in rows if row["batch_requests"]}


def _actual(channel: int) -> dict[str, int]:
    """What a channel's tallies should be, counted in an index of keys."""
    found: Counter[Row] = Counter()
    for status in rules.STATUSES:
        rows = query(
            {
                "TableName": BATCH_REQUESTS.name,
                "IndexName": "by_status_type",
                "KeyConditionExpression": "channel = :channel AND #status = :status",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": items.encode({":channel": channel, ":status": status}),
            }
        )
        for row in rows:
            found.update(_rows_of(row))
    return {name: number for (_, name), number in found.items()}
