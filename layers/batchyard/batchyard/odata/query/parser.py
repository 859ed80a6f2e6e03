"""Expressions: text into what `syntax` has, with every name and type checked against the model.

Descends recursively, and not deeper than `DEEPEST`. Names, operators and functions are read in any case.

Why: docs/decisions.md#odatas-queries-are-read-by-our-own-parser
"""

from typing import Literal as OneOf
from typing import NamedTuple

from batchyard.echoes import echo
from batchyard.odata.model import (
    BOOLEAN,
    NUMBERS,
    STRING,
    Collection,
    ComplexType,
    EntityType,
    EnumType,
    Model,
    Navigation,
    Property,
)
from batchyard.odata.query import literals, tokens
from batchyard.odata.query.functions import FUNCTIONS, SWAPPED
from batchyard.odata.query.syntax import (
    NULL,
    Call,
    Comparison,
    Expression,
    In,
    Lambda,
    Literal,
    Not,
    Path,
    Type,
    joined,
    type_of,
)
from batchyard.odata.query.tokens import Scanner

DEEPEST = 110
"""Levels of brackets, functions and `not`: clients put each of a hundred clauses into brackets with those before it."""

MOST_OPERANDS = 2_000
"""Values, properties and functions of one expression: a thousand comparisons."""

LONGEST_PATH = 2
"""Navigations that a path may lead through."""

COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "divby", "mod"})
_CONSTANTS = {"null": NULL, "true": Literal(True, BOOLEAN), "false": Literal(False, BOOLEAN)}
_ENDS = frozenset({"and", "or", ")", ";"})
_RESERVED = frozenset({*_CONSTANTS, "not", "$it"})


class _Variable(NamedTuple):
    name: str
    type: EntityType
    depth: int


class ExpressionParser:
    """Reads one expression where a scanner stands, and leaves it at what follows.

    Args:
        scanner: The text.
        entity_type: Where properties are looked for.
        model: Where the type is.
    """

    def __init__(self, scanner: Scanner, entity_type: EntityType, model: Model) -> None:
        self._scanner = scanner
        self._type = entity_type
        self._model = model
        self._variable: _Variable | None = None
        self._depth = 0
        self._operands = 0

    def condition(self) -> Expression:
        """Something that is true or false.

        Raises:
            MalformedQuery: It cannot be read, or is something else.
        """
        start = self._scanner.start
        return self._must_hold(self.expression(), start)

    def expression(self) -> Expression:
        """Any value.

        Raises:
            MalformedQuery: It cannot be read.
        """
        # Both operators in one function: each level of brackets takes few frames of the stack.
        scanner, alternatives = self._scanner, list[Expression]()
        while True:
            first, operands = scanner.start, list[Expression]()
            while True:
                start = scanner.start
                operand = self._unary()
                more = scanner.is_word("and")
                operands.append(self._must_hold(operand, start) if operands or more else operand)
                if not more:
                    break
                scanner.advance()
            operand = joined("and", operands)
            more = scanner.is_word("or")
            alternatives.append(self._must_hold(operand, first) if alternatives or more else operand)
            if not more:
                return joined("or", alternatives)
            scanner.advance()

    def _unary(self) -> Expression:
        return self._compared(self._negated() if self._scanner.is_word("not") else self._primary())

    def _negated(self) -> Not:
        self._scanner.advance()
        self._deeper()
        start = self._scanner.start
        operand: Expression
        if self._scanner.is_word("not"):
            operand = self._negated()
        else:
            operand = self._primary()
            # `not` binds closer than comparisons do; where that makes no sense, the comparison is meant in brackets.
            if type_of(operand) not in (BOOLEAN, None):
                self._deeper()
                operand = self._compared(operand)
                self._depth -= 1
        self._depth -= 1
        return Not(self._must_hold(operand, start))

    def _compared(self, left: Expression) -> Expression:
        scanner = self._scanner
        operator = scanner.text.lower() if scanner.kind == tokens.NAME else ""
        if operator in COMPARISONS:
            scanner.advance()
            start = scanner.start
            right = self._primary()
            if isinstance(right, Literal):
                right = self._agreed(left, right, start)
            elif isinstance(left, Literal):
                left = self._agreed(right, left, start)
            self._must_agree(left, right, start)
            return Comparison(operator, left, right)
        if operator == "in":
            scanner.advance()
            return In(left, self._values(left))
        if operator in _ARITHMETIC:
            raise scanner.refused("Arithmetic is not supported.")
        if operator == "has":
            raise scanner.refused("has is not supported: no enumeration here has flags.")
        return left

    def _values(self, left: Expression) -> tuple[Literal, ...]:
        scanner = self._scanner
        scanner.expect("(")
        values: list[Literal] = []
        while True:
            start = scanner.start
            value = self._constant()
            if value is None:
                raise scanner.unexpected("a value")
            values.append(self._agreed(left, value, start))
            self._must_agree(left, values[-1], start)
            if not scanner.take(","):
                scanner.expect(")")
                return tuple(values)

    def _primary(self) -> Expression:
        scanner = self._scanner
        if scanner.is_mark("("):
            scanner.advance()
            self._deeper()
            inner = self.expression()
            scanner.expect(")")
            self._depth -= 1
            return inner
        constant = self._constant()
        if constant is not None:
            return constant
        if scanner.kind != tokens.NAME:
            raise scanner.unexpected("a property, a function or a value")
        self._count()
        name, start = scanner.text, scanner.start
        scanner.advance()
        if scanner.is_mark("("):
            return self._call(name, start)
        return self._path(name, start)

    def _constant(self) -> Literal | None:
        """A value that stands in the text; None where none does."""
        scanner, kind, text, found = self._scanner, self._scanner.kind, self._scanner.text, None
        match kind:
            case tokens.NAME:
                found = _CONSTANTS.get(text.lower())
                if found is None:
                    return None
            case tokens.TEXT:
                found = Literal(literals.unquoted(text), STRING)
            case tokens.NUMBER:
                found = literals.number(text)
            case tokens.MOMENT:
                found = literals.moment(_with_plus(text))
            case tokens.TYPED:
                prefix, quote, rest = text.partition("'")
                found = self._typed(prefix.lower(), literals.unquoted(quote + rest))
            case tokens.GUID:
                found = None
            case _:
                return None
        if found is None:
            raise scanner.refused(f'"{echo(text)}" is no value of a type that properties here have.')
        self._count()
        scanner.advance()
        return found

    def _typed(self, prefix: str, text: str) -> Literal | None:
        """A value with its type before it: a member of an enumeration, or a moment as OData 2 and 3 write them."""
        if prefix in ("datetime", "datetimeoffset"):
            return literals.moment(_with_plus(text))
        namespace, _, name = prefix.rpartition(".")
        if namespace in ("", self._model.namespace.lower()):
            for enum in self._model.enums:
                if enum.name.lower() == name:
                    return literals.member(enum, Literal(text, STRING))
        return None

    def _call(self, name: str, start: int) -> Expression:
        scanner = self._scanner
        given = name.lower()
        known = SWAPPED.get(given, given)
        function = FUNCTIONS.get(known)
        if function is None:
            raise scanner.refused(f'There is no function "{echo(name)}".', start)
        scanner.advance()
        self._deeper()
        arguments: list[Expression] = []
        takes = function.takes[::-1] if given in SWAPPED else function.takes
        for index, wanted in enumerate(takes):
            if index:
                if len(takes) - index <= function.optional and scanner.is_mark(")"):
                    break
                scanner.expect(",")
            at = scanner.start
            argument = self._primary()
            if not _same(type_of(argument), wanted):
                raise scanner.refused(f"{known} takes {_named(wanted)} here, not {_named(type_of(argument))}.", at)
            arguments.append(argument)
        scanner.expect(")")
        self._depth -= 1
        return Call(known, tuple(arguments[::-1] if given in SWAPPED else arguments), function.returns)

    def _path(self, name: str, start: int) -> Expression:
        """What begins with a name: a property, with navigations before it or not, or a collection with a lambda."""
        within, variable, depth = self._type, "", 0
        names: list[str] = []
        if self._variable is not None and name.lower() == self._variable.name:
            variable, within, depth = self._variable.name, self._variable.type, self._variable.depth
            name, start = self._next_name(name, start)
        # Within $expand it would be the entity that is expanded, not the one that is filtered.
        elif name.lower() == "$it" and self._scanner.option != "$expand":
            name, start = self._next_name(name, start)
        while True:
            member = within.member(name)
            if member is None:
                raise self._scanner.refused(f'{within.name} has no property "{echo(name)}".', start)
            names.append(member.name)
            if isinstance(member, Property):
                return self._property(variable, names, member, start)
            depth += 1
            if depth > LONGEST_PATH:
                raise self._scanner.refused(f"A path leads through at most {LONGEST_PATH} navigations.", start)
            if member.many:
                return self._lambda(variable, names, member, depth, start)
            within = self._model.target(member)
            name, start = self._next_name(name, start)

    def _next_name(self, name: str, start: int) -> tuple[str, int]:
        scanner = self._scanner
        if not scanner.is_mark("/"):
            raise scanner.refused(f'"{echo(name)}" is an entity: a property of it should follow.', start)
        scanner.advance()
        if scanner.kind != tokens.NAME:
            raise scanner.unexpected("a property")
        name, start = scanner.text, scanner.start
        scanner.advance()
        return name, start

    def _property(self, variable: str, names: list[str], found: Property, start: int) -> Path:
        if isinstance(found.type, ComplexType | Collection):
            raise self._scanner.refused(f"{found.name} is no single value.", start)
        if self._scanner.is_mark("/"):
            raise self._scanner.refused(f"{found.name} has no properties.")
        return Path(variable, tuple(names), found)

    def _lambda(self, variable: str, names: list[str], navigation: Navigation, depth: int, start: int) -> Lambda:
        scanner = self._scanner
        if not scanner.is_mark("/"):
            raise scanner.refused(f"{navigation.name} is a collection: /any(…) or /all(…) should follow.", start)
        scanner.advance()
        operator: OneOf["any", "all"] | None = (
            "any" if scanner.is_word("any") else "all" if scanner.is_word("all") else None
        )
        if operator is None:
            raise scanner.unexpected(f"any or all (as {navigation.name} is a collection)")
        if self._variable is not None or variable:
            raise scanner.refused("any and all cannot stand within another.")
        scanner.advance()
        scanner.expect("(")
        if operator == "any" and scanner.take(")"):
            return Lambda(operator, tuple(names), navigation, "", None)
        named = scanner.text.lower()
        if scanner.kind != tokens.NAME or named in _RESERVED or not named.isidentifier() or not named.isascii():
            raise scanner.unexpected("a variable")
        scanner.advance()
        scanner.expect(":")
        self._variable = _Variable(named, self._model.target(navigation), depth)
        self._deeper()
        predicate = self.condition()
        self._depth -= 1
        self._variable = None
        scanner.expect(")")
        return Lambda(operator, tuple(names), navigation, named, predicate)

    def _agreed(self, other: Expression, literal: Literal, start: int) -> Literal:
        """A literal as it is compared with something: a name or a number may be a member of an enumeration."""
        enum = type_of(other)
        if isinstance(enum, EnumType) and literal.value is not None and literal.type != enum:
            member = literals.member(enum, literal)
            if member is None:
                raise self._scanner.refused(f'{enum.name} has no member "{echo(literal.value)}".', start)
            return member
        return literal

    def _must_agree(self, left: Expression, right: Expression, start: int) -> None:
        one, other = type_of(left), type_of(right)
        if not _same(one, other):
            raise self._scanner.refused(f"{_named(one)} cannot be compared with {_named(other)}.", start)

    def _must_hold(self, expression: Expression, start: int) -> Expression:
        found = type_of(expression)
        if found in (BOOLEAN, None):
            return expression
        scanner = self._scanner
        ends = scanner.kind == tokens.END or scanner.text.lower() in _ENDS
        if not ends:
            raise scanner.unexpected("a comparison")
        raise scanner.refused(f"There should be a condition, not {_named(found)}.", start)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._scanner.refused(f"It goes deeper than {DEEPEST} levels.")

    def _count(self) -> None:
        self._operands += 1
        if self._operands > MOST_OPERANDS:
            raise self._scanner.refused(f"It has more than {MOST_OPERANDS:,} values, properties and functions.")


def _with_plus(moment: str) -> str:
    """A moment of a URL: of a plus that was not encoded, a query string leaves a blank."""
    return moment.replace(" ", "+")


def _same(one: Type, other: Type) -> bool:
    return one is None or other is None or one == other or (_is_number(one) and _is_number(other))


def _is_number(given: Type) -> bool:
    return isinstance(given, str) and given in NUMBERS


def _named(given: Type) -> str:
    if isinstance(given, EnumType | ComplexType):
        return given.name
    if _is_number(given):
        return "a number"
    return {STRING: "a string", BOOLEAN: "true or false"}.get(str(given), str(given))
