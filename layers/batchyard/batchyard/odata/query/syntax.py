"""What an expression is made of once it is read and bound to the model (OData 4.01 part 2, 5.1.1).

All of it is plain data. The words `and` and `or` hold any number of operands, so that long chains are not deep.
"""

from typing import Literal as OneOf
from typing import NamedTuple

from batchyard.odata.model import BOOLEAN, Collection, ComplexType, EnumType, Navigation, Property

type Scalar = str | int | float | bool | None
"""A value: moments are microseconds since the Unix epoch, members of enumerations are their names."""

type Type = str | EnumType | ComplexType | Collection | None
"""What a value is of; None for the literal `null`, which is of every type."""


class Literal(NamedTuple):
    """A value that stands in the text.

    Attributes:
        value: The value.
        type: What it is of.
    """

    value: Scalar
    type: Type


class Path(NamedTuple):
    """A property of the entity, or of one that single navigations lead to: `Product/Sku`.

    Attributes:
        variable: The lambda's variable that it starts from; empty for the entity itself.
        names: The navigations, and the property last, as the model spells them.
        property: The property.
    """

    variable: str
    names: tuple[str, ...]
    property: Property


class Call(NamedTuple):
    """A function with its arguments.

    Attributes:
        function: Its name, as the standard spells it.
        arguments: What it takes.
        type: What it returns.
    """

    function: str
    arguments: "tuple[Expression, ...]"
    type: Type


class Comparison(NamedTuple):
    """Two values compared.

    Attributes:
        operator: One of `eq ne gt ge lt le`.
        left: A value.
        right: A value of the same type.
    """

    operator: str
    left: "Expression"
    right: "Expression"


class In(NamedTuple):
    """A value that is to be one of some.

    Attributes:
        operand: The value.
        values: Those that it may be, at least one.
    """

    operand: "Expression"
    values: tuple[Literal, ...]


class Logical(NamedTuple):
    """Conditions that are all to hold, or any of them.

    Attributes:
        operator: `and` or `or`.
        operands: At least two; none of them is of the same operator.
    """

    operator: OneOf["and", "or"]
    operands: "tuple[Expression, ...]"


class Not(NamedTuple):
    """A condition that is not to hold.

    Attributes:
        operand: The condition.
    """

    operand: "Expression"


class Lambda(NamedTuple):
    """A condition on the entities of a collection.

    Attributes:
        operator: `any` or `all`.
        names: The navigations that lead to the collection, itself last, as the model spells them.
        navigation: The collection.
        variable: What the predicate calls an entity of it, in lower case; empty without a predicate.
        predicate: What is to hold for an entity; None where it is enough that there is one.
    """

    operator: OneOf["any", "all"]
    names: tuple[str, ...]
    navigation: Navigation
    variable: str
    predicate: "Expression | None"


type Expression = Literal | Path | Call | Comparison | In | Logical | Not | Lambda

NULL = Literal(None, None)


def type_of(expression: Expression) -> Type:
    """What an expression's value is of."""
    match expression:
        case Literal() | Call():
            return expression.type
        case Path():
            return expression.property.type
        case _:
            return BOOLEAN


def joined(operator: OneOf["and", "or"], operands: list[Expression]) -> Expression:
    """Conditions joined into one: those that are joined by the same word already become part of it."""
    if len(operands) == 1:
        return operands[0]
    flat: list[Expression] = []
    for operand in operands:
        if isinstance(operand, Logical) and operand.operator == operator:
            flat += operand.operands
        else:
            flat.append(operand)
    return Logical(operator, tuple(flat))
