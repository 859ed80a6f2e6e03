"""The tallies of a channel are counted anew and repaired, also of one that never comes to rest.

The stream that the tallies follow is a moment behind the table, and the index in which is counted shows batch requests
at many moments. So a journal is opened first, in which the stream's handler notes what it counts. Batch requests that
are not in the journal are counted in the index; of the others, the journal tells what had become of them at the very
moment of which the tallies are. What the tallies are off by is then added to them, whatever else is added meanwhile.
"""

import time
import uuid
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.batch_requests import journals, repository, rules, tallies
from batchyard.batch_requests.journals import Kind, Touched
from batchyard.errors import Contended
from batchyard.store import clients, items
from batchyard.store.calls import cancellation_reasons, code_of, reaching_aws
from batchyard.store.queries import count, query
from batchyard.store.tables import BATCH_REQUESTS, EPHEMERA, TALLIES

_ATTEMPTS = 3
_RESTS = 6
_READS = 40
_REST_SECONDS = 5
_MOMENT_SECONDS = 0.1
_SKEW_US = 1_000_000
"""By how much clocks of two functions may differ, and more."""

_AT_ONCE = 99

_Index = Mapping[Kind, "array[int]"]


def recount(channel: int) -> dict[str, int]:
    """Counts a channel's batch requests anew and repairs its tallies; returns by how much each was off.

    Raises:
        Contended: The stream's handler did not get on with the channel's changes, or another recount came in between.
        Unavailable: The store did not answer.
    """
    for _ in range(_ATTEMPTS):
        if tallies.of_channel(channel) == _by_tally(_numbers(channel)):
            return {}
        journal = str(uuid.uuid4())
        with reaching_aws():
            clients.dynamodb().put_item(TableName=EPHEMERA.name, Item=items.encode(journals.opening(channel, journal)))
        off = _off(channel, journal)
        if off is not None and _add(channel, journal, off):
            return off
    raise Contended


def _off(channel: int, journal: str) -> dict[str, int] | None:
    """By how much the tallies are less than they should be; None where that cannot be told."""
    # Until then the index shows what was counted before there was a journal.
    _rest()
    index = _index(channel)
    seen_us = clock.now()
    for _ in range(_RESTS):
        _rest()
        found = _at_one_moment(channel, journal)
        if found is None:
            return None
        touched, tallied = found
        right = _counted(index, touched)
        # All that the index may have shown is in the journal once something later is. Where nothing comes any more,
        # nothing may have changed since.
        if touched.until > seen_us + _SKEW_US or right == _numbers(channel):
            wanted = _by_tally(right)
            steps = {name: wanted.get(name, 0) - tallied.get(name, 0) for name in sorted({*wanted, *tallied})}
            return {name: step for name, step in steps.items() if step}
    return None


def _rest() -> None:
    time.sleep(_REST_SECONDS)


def _index(channel: int) -> _Index:
    """The primary keys of a channel's batch requests by what they are counted by, as the index has them."""
    found: dict[Kind, array[int]] = {}
    for kind in _kinds(channel):
        # Of a million of them, what is read of each is what it costs.
        request = _of_kind(channel, *kind) | {"ProjectionExpression": "pk"}
        found[kind] = array("q", (int(row["pk"]) for row in query(request)))
    return found


def _numbers(channel: int) -> Counter[Kind]:
    """How many batch requests there are of each kind, as the index has them: without reading them."""
    return +Counter({kind: count(_of_kind(channel, *kind)) for kind in _kinds(channel)})


def _kinds(channel: int) -> Iterator[Kind]:
    """What a channel's batch requests are counted by, from one to the next."""
    for status in rules.STATUSES:
        kind = None
        while (kind := repository.next_type_key(channel, status, kind, descending=False)) is not None:
            yield kind, status


def _of_kind(channel: int, type_key: str, status: str) -> dict[str, Any]:
    return {
        "TableName": BATCH_REQUESTS.name,
        "IndexName": "by_status_type",
        "KeyConditionExpression": "channel = :channel AND #status = :status AND type_key = :type",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": items.encode({":channel": channel, ":status": status, ":type": type_key}),
    }


def _counted(index: _Index, touched: Touched) -> Counter[Kind]:
    """How many batch requests there are of each kind."""
    found = Counter({kind: len(pks) - sum(map(touched.kinds.__contains__, pks)) for kind, pks in index.items()})
    found.update(kind for kind in touched.kinds.values() if kind is not None)
    return +found


def _by_tally(counted: Mapping[Kind, int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for kind, number in counted.items():
        for name in tallies.names_of(*kind):
            found[name] += number
    return dict(found)


def _at_one_moment(channel: int, journal: str) -> tuple[Touched, dict[str, int]] | None:
    """What was noted in a journal, and the tallies at that moment; None where it is not the channel's any more.

    A journal of a busy channel takes longer to read than it stays as it is. So only how much was noted is looked at
    together with the tallies, and just that is read then.
    """
    former = None
    for _ in range(_READS):
        now = journals.now_open(channel)
        if now is None or now.name != journal:
            return None
        found = now, tallies.of_channel(channel, consistent=True)
        # A transaction may be seen in one item a moment before it is seen in another.
        if found == former and (noted := journals.entries(now)) is not None:
            return journals.touched(noted), found[1]
        former = found
        time.sleep(_MOMENT_SECONDS)
    raise Contended


def _add(channel: int, journal: str, off: Mapping[str, int]) -> bool:
    """Adds what tallies are off by, and closes the journal; False where it is not the channel's any more."""
    updates: list[Any] = [
        {
            "Update": {
                "TableName": TALLIES.name,
                "Key": items.encode({"channel": channel, "tally": name}),
                "UpdateExpression": "ADD batch_requests :step",
                "ExpressionAttributeValues": items.encode({":step": step}),
            }
        }
        for name, step in off.items()
    ]
    condition = journals.still(channel, journal)
    close = {"Delete": condition["ConditionCheck"]}
    try:
        while len(updates) > _AT_ONCE:
            _write([condition, *updates[:_AT_ONCE]])
            updates = updates[_AT_ONCE:]
        _write([close, *updates])
    except ClientError as error:
        if "ConditionalCheckFailed" not in cancellation_reasons(error)[:1]:
            raise
        return False
    return True


def _write(actions: list[Any]) -> None:
    """Makes a transaction, again where it meets one of the stream's handler."""
    for number in range(1, _READS + 1):
        try:
            with reaching_aws():
                clients.dynamodb().transact_write_items(TransactItems=actions)
        except ClientError as error:
            conflicts = "TransactionConflict" in cancellation_reasons(error)
            if code_of(error) != "TransactionCanceledException" or not conflicts or number == _READS:
                raise
            time.sleep(_MOMENT_SECONDS)
        else:
            return
