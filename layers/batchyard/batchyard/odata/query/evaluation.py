"""Expressions carried out over rows.

A row maps names of the model's properties to values (`syntax.Scalar`), names of collections to lists of rows, and names
of single navigations to a row or None; what it has not is null. An expression becomes nested closures once, so that the
work for a row is what it compares.

Null is unknown (OData 4.01 part 2, 5.1.1.1): `null eq null` is true, `null gt 1` is false, `not null` is null,
functions of null are null, and what is null in the end does not hold.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batchyard.odata.model import EnumType
from batchyard.odata.query.functions import FUNCTIONS
from batchyard.odata.query.syntax import (
    Call,
    Comparison,
    Expression,
    In,
    Lambda,
    Literal,
    Logical,
    Not,
    Path,
    type_of,
)

type Row = Mapping[str, Any]
type _Evaluate = Callable[[Row, Row | None], Any]
"""Takes the row and, within a lambda, the row of the collection."""

_ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def predicate(condition: Expression) -> Callable[[Row], bool]:
    """Whether a row fulfils a condition."""
    holds = _compiled(condition)
    return lambda row: holds(row, None) is True


def value(expression: Expression) -> Callable[[Row], Any]:
    """What an expression is for a row; members of enumerations are their numbers, as they are ordered by."""
    evaluate = _comparable(expression)
    return lambda row: evaluate(row, None)


def _compiled(expression: Expression) -> _Evaluate:
    match expression:
        case Literal():
            constant = expression.value
            return lambda _row, _item: constant
        case Path():
            return _path(expression.names, in_lambda=bool(expression.variable))
        case Call():
            return _call(expression)
        case Comparison():
            return _comparison(expression)
        case In():
            return _in(expression)
        case Logical():
            return _logical(expression)
        case Not():
            return _not(expression)
        case Lambda():
            return _lambda(expression)


def _path(names: tuple[str, ...], *, in_lambda: bool) -> _Evaluate:
    first, *rest = names

    def step(row: Row | None) -> Any:
        found = None if row is None else row.get(first)
        for name in rest:
            if found is None:
                return None
            found = found.get(name)
        return found

    if in_lambda:
        return lambda _row, item: step(item)
    if rest:
        return lambda row, _item: step(row)
    return lambda row, _item: row.get(first)


def _call(call: Call) -> _Evaluate:
    evaluate = FUNCTIONS[call.function].evaluate
    arguments = [_compiled(argument) for argument in call.arguments]

    def called(row: Row, item: Row | None) -> Any:
        given = [argument(row, item) for argument in arguments]
        return None if None in given else evaluate(*given)

    return called


def _comparison(comparison: Comparison) -> _Evaluate:
    if comparison.operator in ("eq", "ne"):
        left, right = _compiled(comparison.left), _compiled(comparison.right)
        if comparison.operator == "eq":
            return lambda row, item: left(row, item) == right(row, item)
        return lambda row, item: left(row, item) != right(row, item)
    compare = _ORDERS[comparison.operator]
    with_equal = comparison.operator in ("ge", "le")
    left, right = _comparable(comparison.left), _comparable(comparison.right)

    def compared(row: Row, item: Row | None) -> bool:
        one, other = left(row, item), right(row, item)
        if one is None or other is None:
            return with_equal and one is other
        return bool(compare(one, other))

    return compared


def _comparable(expression: Expression) -> _Evaluate:
    """An expression's value as it is ordered: members of enumerations by their numbers."""
    evaluate, given = _compiled(expression), type_of(expression)
    if isinstance(given, EnumType):
        number = given.members.get
        return lambda row, item: number(evaluate(row, item))
    return evaluate


def _in(expression: In) -> _Evaluate:
    operand, values = _compiled(expression.operand), frozenset(literal.value for literal in expression.values)
    return lambda row, item: operand(row, item) in values


def _logical(logical: Logical) -> _Evaluate:
    operands = tuple(_compiled(operand) for operand in logical.operands)
    decisive: bool = logical.operator == "or"

    def joined(row: Row, item: Row | None) -> bool | None:
        known: bool | None = not decisive
        for operand in operands:
            found = operand(row, item)
            if found is decisive:
                return bool(found)
            if found is None:
                known = None
        return known

    return joined


def _not(expression: Not) -> _Evaluate:
    operand = _compiled(expression.operand)

    def negated(row: Row, item: Row | None) -> bool | None:
        found: bool | None = operand(row, item)
        return None if found is None else not found

    return negated


def _lambda(expression: Lambda) -> _Evaluate:
    collection = _path(expression.names, in_lambda=False)
    if expression.predicate is None:
        return lambda row, _item: bool(collection(row, None))
    holds = _compiled(expression.predicate)
    quantify: Callable[[Iterable[bool]], bool] = any if expression.operator == "any" else all
    return lambda row, _item: quantify(holds(row, one) is True for one in collection(row, None) or ())
