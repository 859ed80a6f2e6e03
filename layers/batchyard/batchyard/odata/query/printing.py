"""Expressions as text again: one for all that mean the same by the same words, in whatever way they were written.

What is printed can be read again, and gives the same expression; it has no more brackets than were read.
"""

from batchyard.odata.model import BOOLEAN, DATE_TIME, STRING, EnumType
from batchyard.odata.query import literals
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
)


def printed(expression: Expression, variable: str = "") -> str:
    """An expression as text.

    Args:
        variable: The variable of the lambda that it stands in; empty outside of one.
    """
    match expression:
        case Literal():
            return _literal(expression)
        case Path():
            return _path(expression, variable)
        case Call():
            return f"{expression.function}({','.join(printed(one, variable) for one in expression.arguments)})"
        case Comparison(operator, left, right):
            return f"{_left(left, variable)} {operator} {_operand(right, variable)}"
        case In(operand, values):
            return f"{_left(operand, variable)} in ({','.join(map(_literal, values))})"
        case Logical(operator, operands):
            return f" {operator} ".join(
                _bracketed(one, variable) if isinstance(one, Logical) and operator == "and" else printed(one, variable)
                for one in operands
            )
        case Not(operand):
            return f"not {_left(operand, variable)}"
        case Lambda(operator, names, _, name, predicate):
            condition = "" if predicate is None else f"{name}:{printed(predicate, name)}"
            return f"{'/'.join(names)}/{operator}({condition})"


def _bracketed(expression: Expression, variable: str) -> str:
    return f"({printed(expression, variable)})"


def _operand(expression: Expression, variable: str) -> str:
    if isinstance(expression, Comparison | In | Logical | Not):
        # Not by a function of its own: each level takes few frames of the stack.
        return f"({printed(expression, variable)})"
    return printed(expression, variable)


def _left(expression: Expression, variable: str) -> str:
    # `not` binds closer than what follows.
    return printed(expression, variable) if isinstance(expression, Not) else _operand(expression, variable)


def _path(path: Path, variable: str) -> str:
    text = "/".join(path.names)
    if path.variable:
        return f"{path.variable}/{text}"
    return f"$it/{text}" if path.names[0].lower() == variable else text


def _literal(literal: Literal) -> str:
    value, given = literal
    if value is None:
        return "null"
    if given == BOOLEAN:
        return "true" if value else "false"
    if given == DATE_TIME and isinstance(value, int):
        return literals.written(value)
    if isinstance(given, EnumType):
        return f"{given.name}'{value}'"
    if given == STRING and isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
