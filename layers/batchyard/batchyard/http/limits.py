"""The limit on requests per caller and minute: exact as an upper bound over all functions, and cheap.

Each execution environment leases a slice of the minute's budget and serves requests from it without asking again. The
budget is one item per caller and minute in the `Ephemera` table; a lease is one conditional update of it, so the
slices handed out never add up to more than the limit. A lone environment takes slices of fifty (of a small limit, an
eighth); the more of them share a caller's minute, and the less of it is left, the smaller the slices get, so that
little of the budget lies unused.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.errors import Throttled
from batchyard.http.caller import Caller
from batchyard.store import clients, items
from batchyard.store.calls import code_of, old_item, reaching_aws
from batchyard.store.tables import EPHEMERA

SLICE = 50
"""Requests of one lease, at most."""

UNITS_OF_A_REQUEST = 25
"""Read units that one request stands for: somewhat more than a list's page of a hundred things takes."""

COUNTED = "batchyard.counted"
"""Marks the request context of a request that was counted already, as part of a batch. Only API Gateway and the
batch's own dispatch write request contexts."""

# Else the first environment would take all of a small limit.
_FEWEST_SLICES = 8
_MINUTE_US = 60_000_000
_KEPT_SECONDS = 180


@dataclass(slots=True)
class _Lease:
    """What this environment holds of one caller's minute."""

    minute: int
    left: int = 0
    budget: int = 0
    holders: int = 1
    taken: bool = False


_leases: dict[str, _Lease] = {}
_lock = threading.Lock()


def default_limit() -> int:
    """Requests per minute of a token that has no limit of its own."""
    return int(os.environ.get("REQUESTS_PER_MINUTE", "2000"))


def count(event: Mapping[str, Any], asking: Caller) -> None:
    """Counts a request against its caller's limit, unless it was counted as part of a batch.

    Args:
        event: The request's API Gateway event.
        asking: Who sent it.

    Raises:
        Throttled: The limit of this minute is used up.
        Unavailable: The store did not answer.
    """
    if COUNTED not in event["requestContext"]:
        take(asking.token, asking.scope.requests_per_minute or default_limit())


def charge(asking: Caller, units: float) -> None:
    """Counts a request that took many read units as several, as far as there is room for them in this minute.

    Args:
        asking: Who sent it.
        units: Read units that it took.

    Raises:
        Unavailable: The store did not answer.
    """
    more = int(units // UNITS_OF_A_REQUEST)
    spend(asking.token, asking.scope.requests_per_minute or default_limit(), more)


def take(subject: str, limit: int, count: int = 1, *, ahead: bool = True) -> None:
    """Counts `count` requests of a subject against its limit of this minute; all of them, or none.

    Args:
        subject: Whose requests they are.
        limit: How many of a minute there may be.
        count: How many they are now.
        ahead: More are leased than are needed now, for those that follow in this environment.

    Raises:
        Throttled: They do not fit any more.
        Unavailable: The store did not answer.
    """
    now = clock.now()
    minute = now // _MINUTE_US
    with _lock:
        lease = _leases.get(subject)
        if lease is None or lease.minute != minute:
            _forget_before(minute)
            lease = _leases[subject] = _Lease(minute, budget=limit)
        while (missing := count - lease.left) > 0:
            if lease.budget < missing:
                raise Throttled(60 - now // 1_000_000 % 60)
            share = min(SLICE, limit // _FEWEST_SLICES, lease.budget // lease.holders) if ahead else 0
            _extend(lease, subject, limit, max(missing, share))
        lease.left -= count


def spend(subject: str, limit: int, count: int) -> None:
    """Counts up to `count` requests of a subject against its limit of this minute: as many as there is room for.

    Raises:
        Unavailable: The store did not answer.
    """
    while count > 0:
        try:
            take(subject, limit, count)
        except Throttled:
            with _lock:
                lease = _leases[subject]
                count = min(count - 1, lease.left + lease.budget)
        else:
            return


def give_back(subject: str, count: int = 1) -> None:
    """Uncounts requests that `take` counted in this minute and that are not to count after all.

    Raises:
        Unavailable: The store did not take it, so they still count.
    """
    with _lock:
        lease = _leases.get(subject)
        if lease is None or lease.minute != clock.now() // _MINUTE_US:
            return
        with reaching_aws():
            clients.dynamodb().update_item(
                TableName=EPHEMERA.name,
                Key=items.encode({"id": f"requests#{subject}", "at": lease.minute}),
                UpdateExpression="ADD used :back",
                ExpressionAttributeValues=items.encode({":back": -count}),
            )
        lease.budget += count


def reset() -> None:
    """Gives up all leases of this environment."""
    _leases.clear()


def _forget_before(minute: int) -> None:
    for subject in [subject for subject, lease in _leases.items() if lease.minute < minute]:
        del _leases[subject]


def _extend(lease: _Lease, subject: str, limit: int, size: int) -> None:
    """Asks for a slice; granted or not, the lease then knows what is left of the budget."""
    newcomer = 0 if lease.taken else 1
    try:
        with reaching_aws():
            answer = clients.dynamodb().update_item(
                TableName=EPHEMERA.name,
                Key=items.encode({"id": f"requests#{subject}", "at": lease.minute}),
                UpdateExpression="SET expires = :expires ADD used :size, holders :newcomer",
                ConditionExpression="attribute_not_exists(used) OR used <= :room",
                ExpressionAttributeValues=items.encode(
                    {
                        ":expires": lease.minute * 60 + _KEPT_SECONDS,
                        ":size": size,
                        ":newcomer": newcomer,
                        ":room": limit - size,
                    }
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        refused = old_item(error) or {}
        lease.budget = limit - int(refused.get("used", limit))
        return
    found = items.decode(answer["Attributes"])
    lease.budget = limit - int(found["used"])
    # Every holder may still come back for as much as this one: leave each of them, and one to come, a share.
    lease.holders = 1 if found["holders"] == 1 else 2 * int(found["holders"])
    lease.taken = True
    lease.left += size
