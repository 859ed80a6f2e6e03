"""What a condition says about keys, for whoever looks for the rows that may fulfil it.

A constraint never leaves out a row that fulfils the condition; it may let through others. None is no constraint.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

from batchyard.odata.model import WHOLE_NUMBERS, EnumType, Property
from batchyard.odata.query.syntax import (
    Comparison,
    Expression,
    In,
    Lambda,
    Literal,
    Logical,
    Not,
    Path,
)

type Values = frozenset[str | int | float | bool]

_MIRRORED = {"eq": "eq", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


class Interval(NamedTuple):
    """What a value lies in.

    Attributes:
        low: Where it begins; None where it has no beginning.
        high: Where it ends; None where it has no end.
        with_low: Its beginning belongs to it.
        with_high: Its end belongs to it.
    """

    low: Any = None
    high: Any = None
    with_low: bool = False
    with_high: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it."""
        if self.low is None or self.high is None:
            return False
        return bool(self.high < self.low or (self.low == self.high and not (self.with_low and self.with_high)))


def values_of(condition: Expression, *names: str) -> Values | None:
    """The values of which a property has one in every row that fulfils a condition.

    Null is never among them, as no key finds it: where a row may have null there, this is no constraint.

    Args:
        names: The property, after the single navigations that lead to it.
    """
    return _reduced(condition, lambda one: _values(one, "", names), _common, _all)


def values_of_any(condition: Expression, collection: str, name: str) -> Values | None:
    """The values of which some entity of a collection has one, in every row that fulfils a condition; never null.

    Where several `any` must hold, these are the fewest values that one of them has.

    Args:
        collection: The navigation to the collection.
        name: A property of its entities.
    """

    def of_any(one: Expression) -> Values | None:
        if not isinstance(one, Lambda) or one.operator != "any" or one.names != (collection,) or one.predicate is None:
            return None
        variable = one.variable
        return _reduced(one.predicate, lambda part: _values(part, variable, (name,)), _common, _all)

    return _reduced(condition, of_any, _fewer, _all)


def interval_of(condition: Expression, *names: str) -> Interval | None:
    """The interval in which a property lies, and is not null, in every row that fulfils a condition.

    Args:
        names: The property, after the single navigations that lead to it. Enumerations have no intervals.

    Returns:
        The interval, with its bounds as the text has them: those of a whole number may have fractions.
    """
    found = _reduced(condition, lambda one: _interval(one, names), _overlap, _hull)
    return None if found is None or (found.low is None and found.high is None) else found


def _reduced[T](
    condition: Expression,
    leaf: Callable[[Expression], T | None],
    both: Callable[[T, T], T],
    either: Callable[[T, T], T],
) -> T | None:
    """A constraint of a condition, from those of what `and` and `or` join in it."""
    if not isinstance(condition, Logical):
        return leaf(condition)
    found = [_reduced(operand, leaf, both, either) for operand in condition.operands]
    known = [one for one in found if one is not None]
    if not known or (condition.operator == "or" and len(known) < len(found)):
        return None
    return reduce(both if condition.operator == "and" else either, known)


def _common(some: Values, others: Values) -> Values:
    return some & others


def _all(some: Values, others: Values) -> Values:
    return some | others


def _fewer(some: Values, others: Values) -> Values:
    return min(some, others, key=len)


def _values(condition: Expression, variable: str, names: tuple[str, ...]) -> Values | None:
    match condition:
        case Comparison("eq", Path() as path, Literal() as one) | Comparison("eq", Literal() as one, Path() as path):
            given = [one.value]
        case In(Path() as path, literals):
            given = [one.value for one in literals]
        # A property that is a condition itself.
        case Path() as path:
            given = [True]
        case Not(Path() as path):
            given = [False]
        case _:
            return None
    if path.variable != variable or path.names != names or (path.property.nullable and None in given):
        return None
    return frozenset(value for value in given if value is not None and _possible(value, path.property))


def _possible(value: str | float, of: Property) -> bool:
    """Whether a property can have a value at all: whole numbers have no fractions, and limits."""
    limits = WHOLE_NUMBERS.get(of.type) if isinstance(of.type, str) else None
    if limits is None or isinstance(value, str):
        return True
    return value == int(value) and limits[0] <= value <= limits[1]


def _interval(condition: Expression, names: tuple[str, ...]) -> Interval | None:
    match condition:
        case Comparison(operator, Path() as path, Literal() as literal):
            values = [literal.value]
        case Comparison(operator, Literal() as literal, Path() as path):
            operator, values = _MIRRORED.get(operator, operator), [literal.value]
        case In(Path() as path, literals):
            operator, values = "eq", [literal.value for literal in literals]
        case _:
            return None
    if path.variable or path.names != names or isinstance(path.property.type, EnumType) or None in values:
        return None
    bounds: list[Any] = list(values)
    match operator:
        case "eq":
            return Interval(min(bounds), max(bounds), with_low=True, with_high=True)
        case "gt" | "ge":
            return Interval(low=bounds[0], with_low=operator == "ge")
        case "lt" | "le":
            return Interval(high=bounds[0], with_high=operator == "le")
        case _:
            return None


def _overlap(one: Interval, other: Interval) -> Interval:
    lows, highs = _lows(one, other), _highs(one, other)
    return _between(max(lows, default=None), min(highs, default=None))


def _hull(one: Interval, other: Interval) -> Interval:
    lows, highs = _lows(one, other), _highs(one, other)
    return _between(min(lows) if len(lows) == 2 else None, max(highs) if len(highs) == 2 else None)


def _lows(*intervals: Interval) -> list[tuple[Any, bool]]:
    # A beginning that does not belong to its interval comes behind one that does.
    return [(one.low, not one.with_low) for one in intervals if one.low is not None]


def _highs(*intervals: Interval) -> list[tuple[Any, bool]]:
    return [(one.high, one.with_high) for one in intervals if one.high is not None]


def _between(low: tuple[Any, bool] | None, high: tuple[Any, bool] | None) -> Interval:
    return Interval(
        low=low[0] if low else None,
        high=high[0] if high else None,
        with_low=low is not None and not low[1],
        with_high=high is not None and high[1],
    )
