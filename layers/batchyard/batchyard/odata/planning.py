"""By which keys a question is answered, and in which order entities come of them.

A filter's conditions that a key serves decide where is looked; all of the filter is checked on what is found there. An
order that no key has is made in memory as long as there are few, and of many in passes (`lists`).

Why: docs/decisions.md#a-list-of-entities-is-one-look-by-one-key-with-the-whole-filter-checked-behind-it
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from batchyard.odata.query import constraints
from batchyard.odata.query.options import Options, Order
from batchyard.odata.query.syntax import Expression, Path
from batchyard.odata.sets import NextPositions, Readable, listed

MOST_SORTED = 5000
"""Bases of which an order is made in memory."""


class Plan(NamedTuple):
    """How a question is answered.

    Attributes:
        name: What it is called, for those who ask why.
        next_positions: Where bases come from.
        descending: They come in descending order.
        sorts: What comes of them has to be put in order.
        few: All of them are known, and few enough to be read at once.
    """

    name: str
    next_positions: NextPositions
    descending: bool = False
    sorts: bool = False
    few: bool = False


class _Way(NamedTuple):
    """Bases in an order.

    Attributes:
        name: What it is called.
        by: The property that they are ordered by.
        next_positions: Where they come from.
        restricts: It leaves out bases that the filter would.
    """

    name: str
    by: str
    next_positions: NextPositions
    restricts: bool


def plan(readable: Readable, options: Options) -> Plan:
    """The cheapest way to answer a question about an entity set."""
    wanted = _order(readable, options.orderby)
    for lookup in readable.lookups:
        values = None if options.filter is None else constraints.values_of(options.filter, lookup.property)
        if values is not None:
            numbers = sorted(set(lookup.find(values)))
            return _of_few(readable, f"keys of {lookup.property}", numbers, wanted)
    ways = list(_ways(readable, options))
    best = next((way for way in ways if way.restricts), None)
    if wanted is None and best is not None:
        return Plan(best.name, best.next_positions)
    fitting = [way for way in ways if wanted is None or way.by == wanted.by]
    if fitting and (fitting[0].restricts or best is None):
        return Plan(fitting[0].name, fitting[0].next_positions, descending=wanted is not None and wanted.descending)
    source = best or next(way for way in ways if way.by == readable.number)
    found = source.next_positions(None, MOST_SORTED + 1, False)
    if len(found) <= MOST_SORTED:
        return _of_few(readable, source.name, [one[-1] for one in found], wanted)
    if fitting:
        return Plan(fitting[0].name, fitting[0].next_positions, descending=wanted is not None and wanted.descending)
    return Plan(f"{source.name}, in passes", source.next_positions, sorts=True)


class _Wanted(NamedTuple):
    by: str
    descending: bool


_UNSERVED = _Wanted("", descending=False)


def _order(readable: Readable, orderby: Sequence[Order]) -> _Wanted | None:
    """The property whose order is asked for, where keys can have it; None where any order will do."""
    if not orderby:
        return None
    names = [_plain(one.expression) for one in orderby]
    first = orderby[0].descending
    keys = [readable.number] if names[0] != readable.number else list(readable.set.type.key[1:])
    same = all(one.descending == first for one in orderby)
    if same and names[1:] == keys[: len(names) - 1]:
        return _Wanted(names[0], first)
    return _UNSERVED


def _plain(expression: Expression) -> str:
    """The name of the property that an expression is; empty where it is more than one."""
    return expression.names[0] if isinstance(expression, Path) and len(expression.names) == 1 else ""


def _of_few(readable: Readable, name: str, numbers: Sequence[int], wanted: _Wanted | None) -> Plan:
    sorts = wanted is not None and wanted.by != readable.number
    shown = f"{name}, sorted" if sorts else name
    return Plan(shown, listed(numbers), wanted is not None and wanted.descending and not sorts, sorts, few=True)


def _ways(readable: Readable, options: Options) -> Iterator[_Way]:
    for membership in readable.memberships:
        if options.filter is None:
            break
        values = constraints.values_of_any(options.filter, membership.collection, membership.property)
        if values is not None and len(values) <= 1:
            # What must have a label of none has no base at all.
            value = next(iter(values), None)
            name = f"members by {membership.collection}/{membership.property}"
            holding = listed(()) if value is None else membership.holding(str(value))
            yield _Way(name, readable.number, holding, restricts=True)
    bounded, unbounded = [], []
    for one in readable.ranges:
        interval = None if options.filter is None else constraints.interval_of(options.filter, one.property)
        if interval is None:
            unbounded.append(
                _Way(f"all in order of {one.property}", one.property, one.between(None, None), restricts=False)
            )
        else:
            next_positions = one.between(interval.low, interval.high)
            bounded.append(_Way(f"range of {one.property}", one.property, next_positions, restricts=True))
    every = _Way(f"all in order of {readable.number}", readable.number, readable.every, restricts=False)
    yield from chain(bounded, [every], unbounded)
