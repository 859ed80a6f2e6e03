"""Changes of a table counted from its stream, each of them once.

What a batch of changes adds up to is added in one transaction, together with a mark that this batch was counted. A
batch that is delivered again finds its mark and changes nothing. Lambda may deliver it again with more records at its
end; the mark therefore says up to where it was counted, and the rest is counted as a batch of its own.

Why: docs/decisions.md#tallies-are-marked-per-delivery-not-per-record
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.errors import Contended
from batchyard.store import clients, items
from batchyard.store.calls import cancellation_reasons, code_of, reaching_aws
from batchyard.store.items import Key
from batchyard.store.tables import EPHEMERA

BESIDE_THE_MARK = 99
"""Actions that a transaction has room for."""

_KEPT_SECONDS = 48 * 3600

type Record = Mapping[str, Any]
"""A record of a DynamoDB stream."""


def sequence(record: Record) -> str:
    """The sequence number of a record."""
    return str(record["dynamodb"]["SequenceNumber"])


def all_of(records: Sequence[Record], count: Callable[[Sequence[Record]], str]) -> None:
    """Has all records counted.

    Args:
        records: The records that there is something to count in, in the stream's order.
        count: Counts some of the first of those that are left; returns the sequence number up to which it is counted.
    """
    left = list(records)
    while left:
        counted = int(count(left))
        left = [record for record in left if int(sequence(record)) > counted]


def commit(stream: str, records: Sequence[Record], actions: Sequence[Any]) -> str | None:
    """Counts records, unless they were counted under their mark.

    Args:
        stream: What marks of this stream's records begin with.
        actions: What a transaction does to count them: `BESIDE_THE_MARK` at most.

    Returns:
        The sequence number up to which it is counted now; None where a condition of the actions does not hold.

    Raises:
        Contended: Another transaction was at work on the same items; nothing was counted.
        Unavailable: The store did not take it.
    """
    place: Key = {"id": f"{stream}#{sequence(records[0])}", "at": 0}
    last = sequence(records[-1])
    put_mark: Any = {
        "TableName": EPHEMERA.name,
        "Item": items.encode({**place, "last": last, "expires": clock.now_s() + _KEPT_SECONDS}),
        "ConditionExpression": "attribute_not_exists(id)",
    }
    try:
        with reaching_aws():
            clients.dynamodb().transact_write_items(TransactItems=[{"Put": put_mark}, *actions])
    except ClientError as error:
        reasons = cancellation_reasons(error)
        if code_of(error) != "TransactionCanceledException":
            raise
        if reasons[:1] == ["ConditionalCheckFailed"]:
            with reaching_aws():
                found = clients.dynamodb().get_item(
                    TableName=EPHEMERA.name, Key=items.encode(place), ConsistentRead=True
                )
            return str(items.decode(found["Item"])["last"])
        if "ConditionalCheckFailed" in reasons:
            return None
        if "TransactionConflict" in reasons:
            raise Contended from error
        raise
    return last
