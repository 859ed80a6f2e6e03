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
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.batch_requests import journals, readings, repository, rules, tallies
from batchyard.batch_requests.journals import Journal, Kind, Touched
from batchyard.batch_requests.readings import Reading
from batchyard.errors import Contended
from batchyard.store import clients, items
from batchyard.store.calls import cancellation_reasons, code_of, reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import count, query
from batchyard.store.tables import BATCH_REQUESTS, EPHEMERA, TALLIES

_ATTEMPTS = 3
_RESTS = 6
_READS = 40
_REST_SECONDS = 5
_MOMENT_SECONDS = 0.1
_SKEW_US = 1_000_000
"""By how much clocks of two functions may differ, and more."""

_TO_SPARE_S = 60
"""Seconds that a journal must have left, so that the stream's handler has not closed it by its own clock."""

_AT_ONCE = 99

_Index = Mapping[Kind, "array[int]"]


class _Recount(NamedTuple):
    """One recount of a channel.

    Attributes:
        channel: The channel's primary key.
        journal: Its journal.
        name: What tells it from others that had this journal.
    """

    channel: int
    journal: str
    name: str


def recount(channel: int) -> dict[str, int]:
    """Counts a channel's batch requests anew and repairs its tallies; returns by how much each was off.

    Where a recount was killed not long ago, this one goes on with what that has read.

    Raises:
        Contended: The stream's handler did not get on with the channel's changes, or another recount came in between.
        Unavailable: The store did not answer.
    """
    this = _taken_over(channel)
    for _ in range(_ATTEMPTS):
        if this is None:
            if tallies.of_channel(channel) == _by_tally(_numbers(channel)):
                return {}
            this = _begun(channel)
        off = _off(this)
        if off is not None and _add(this, off):
            return off
        this = None
    raise Contended


def _begun(channel: int) -> _Recount:
    journal = str(uuid.uuid4())
    with reaching_aws():
        clients.dynamodb().put_item(TableName=EPHEMERA.name, Item=items.encode(journals.opening(channel, journal)))
    return _Recount(channel, journal, journal)


def _taken_over(channel: int) -> _Recount | None:
    """The recount that goes on with a journal that is open; None where there is none, or it is about to close."""
    found = journals.now_open(channel)
    if found is None or _is_about_to_close(found):
        return None
    this = _Recount(channel, found.name, str(uuid.uuid4()))
    return this if _write([journals.taking_over(channel, found.name, this.name)]) else None


def _is_about_to_close(journal: Journal) -> bool:
    return journal.until_s <= clock.now_s() + _TO_SPARE_S


def _off(this: _Recount) -> dict[str, int] | None:
    """By how much the tallies are less than they should be; None where that cannot be told."""
    reading = _read(this)
    if reading is None or reading.ended_us is None:
        return None
    for _ in range(_RESTS):
        _rest()
        found = _at_one_moment(this)
        if found is None:
            return None
        touched, tallied = found
        right = _counted(reading.index, touched)
        # All that the index may have shown is in the journal once something later is. Where nothing comes any more,
        # nothing may have changed since.
        if touched.until > reading.ended_us + _SKEW_US or right == _numbers(this.channel):
            wanted = _by_tally(right)
            steps = {name: wanted.get(name, 0) - tallied.get(name, 0) for name in sorted({*wanted, *tallied})}
            return {name: step for name, step in steps.items() if step}
    return None


def _rest() -> None:
    time.sleep(_REST_SECONDS)


def _read(this: _Recount) -> Reading | None:
    """The primary keys of a channel's batch requests by what they are counted by; None where another recount reads on.

    What was read for the journal before is not read again.
    """
    reading = Reading(this.journal) if this.name == this.journal else readings.kept(this.journal)
    if reading.ended_us is not None:
        return reading
    if reading.last is None:
        # Until then the index shows what was counted before there was a journal.
        _rest()
    behind = reading.last
    for kind in _kinds(this.channel, None if behind is None else behind[0]):
        # Of a million of them, what is read of each is what it costs.
        request = _of_kind(this.channel, *kind) | {"ProjectionExpression": "pk"}
        if behind is not None and kind == behind[0]:
            last: Item = {"channel": this.channel, "type_key": kind[0], "status": kind[1], "pk": behind[1]}
            request["ExclusiveStartKey"] = items.encode(last)
        if not reading.add(kind, (int(row["pk"]) for row in query(request))):
            return None
    return reading if reading.end(clock.now()) else None


def _numbers(channel: int) -> Counter[Kind]:
    """How many batch requests there are of each kind, as the index has them: without reading them."""
    return +Counter({kind: count(_of_kind(channel, *kind)) for kind in _kinds(channel)})


def _kinds(channel: int, first: Kind | None = None) -> Iterator[Kind]:
    """What a channel's batch requests are counted by, from one to the next.

    Args:
        first: The one to begin with; None for the very first.
    """
    statuses = rules.STATUSES
    type_key = None
    if first is not None:
        yield first
        type_key, status = first
        statuses = statuses[statuses.index(status) :]
    for status in statuses:
        while (type_key := repository.next_type_key(channel, status, type_key, descending=False)) is not None:
            yield type_key, status


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


def _at_one_moment(this: _Recount) -> tuple[Touched, dict[str, int]] | None:
    """What was noted in the journal, and the tallies at that moment; None where it is not this recount's any more.

    A journal of a busy channel takes longer to read than it stays as it is. So only how much was noted is looked at
    together with the tallies, and just that is read then.
    """
    former = None
    for _ in range(_READS):
        now = journals.now_open(this.channel)
        if now is None or now.recount != this.name or _is_about_to_close(now):
            return None
        found = now, tallies.of_channel(this.channel, consistent=True)
        # A transaction may be seen in one item a moment before it is seen in another.
        if found == former and (noted := journals.entries(now)) is not None:
            return journals.touched(noted), found[1]
        former = found
        time.sleep(_MOMENT_SECONDS)
    raise Contended


def _add(this: _Recount, off: Mapping[str, int]) -> bool:
    """Adds what tallies are off by, and closes the journal; False where it is not this recount's any more.

    Of several transactions each leaves the tallies nearer to what they should be, so that others can go on from there.
    """
    updates: list[Any] = [
        {
            "Update": {
                "TableName": TALLIES.name,
                "Key": items.encode({"channel": this.channel, "tally": name}),
                "UpdateExpression": "ADD batch_requests :step",
                "ExpressionAttributeValues": items.encode({":step": step}),
            }
        }
        for name, step in off.items()
    ]
    condition = journals.still(this.channel, this.name)
    close = {"Delete": condition["ConditionCheck"]}
    while len(updates) > _AT_ONCE:
        if not _write([condition, *updates[:_AT_ONCE]]):
            return False
        updates = updates[_AT_ONCE:]
    return _write([close, *updates])


def _write(actions: list[Any]) -> bool:
    """Makes a transaction, again where it meets one of the stream's handler; False where its first condition fails."""
    for number in range(1, _READS + 1):
        try:
            with reaching_aws():
                clients.dynamodb().transact_write_items(TransactItems=actions)
        except ClientError as error:
            reasons = cancellation_reasons(error)
            if "ConditionalCheckFailed" in reasons[:1]:
                return False
            conflicts = "TransactionConflict" in reasons
            if code_of(error) != "TransactionCanceledException" or not conflicts or number == _READS:
                raise
            time.sleep(_MOMENT_SECONDS)
        else:
            break
    return True
