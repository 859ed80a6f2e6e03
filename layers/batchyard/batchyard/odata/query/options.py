"""The system query options of a request (OData 4.01 part 2, 5), each checked against the model.

Their names are read in any case, and without the dollar sign, as OData 4.01 has them. Whatever else has no dollar sign
is an option of somebody else, and passed over.
"""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from batchyard.echoes import echo
from batchyard.errors import NotSupported, UnsupportedMediaType
from batchyard.odata.model import EntityType, Model, Navigation, Property
from batchyard.odata.query import tokens
from batchyard.odata.query.errors import MalformedQuery
from batchyard.odata.query.parser import ExpressionParser
from batchyard.odata.query.syntax import Expression
from batchyard.odata.query.tokens import Scanner

LARGEST_NUMBER = 2**31 - 1
"""Of `$top` and `$skip`."""

LEVELS = 2
"""Levels of `$expand`."""

MOST_ORDERS = 10
"""Expressions of one `$orderby`."""

_NUMBER = re.compile(r"[0-9]{1,10}")
JSON = frozenset({"json", "application/json"})
XML = frozenset({"xml", "application/xml"})
"""What `$format` calls the formats that there are."""

_OF_COLLECTIONS = frozenset({"$filter", "$orderby", "$top", "$skip", "$count"})
_OF_NAVIGATIONS = _OF_COLLECTIONS | {"$select", "$expand"}
_ALL = _OF_NAVIGATIONS | {"$skiptoken", "$format", "$search"}


class Order(NamedTuple):
    """One of the values that entities are ordered by.

    Attributes:
        expression: The value.
        descending: The largest comes first, null last; else null comes first.
    """

    expression: Expression
    descending: bool = False


class Options(NamedTuple):
    """What is asked of an entity set, an entity, or what a navigation leads to.

    Attributes:
        filter: What entities must fulfil.
        select: The names of the properties to show, as the model spells them, navigations among them; None for all.
        orderby: What they are ordered by, the most important first.
        expand: The navigations to show with what they lead to, each once.
        top: Entities at most.
        skip: Entities to pass over.
        with_count: How many there are shall be told, whatever `top` and `skip` say.
        skiptoken: Where a page begins, as the service itself wrote it.
    """

    filter: Expression | None = None
    select: tuple[str, ...] | None = None
    orderby: tuple[Order, ...] = ()
    expand: "tuple[Expand, ...]" = ()
    top: int | None = None
    skip: int | None = None
    with_count: bool = False
    skiptoken: str | None = None


class Expand(NamedTuple):
    """A navigation to show with what it leads to.

    Attributes:
        navigation: The navigation.
        options: What is asked of that; never a `skiptoken`.
    """

    navigation: Navigation
    options: Options = Options()


def parse_options(
    query: Iterable[tuple[str, str]], entity_type: EntityType, model: Model, *, of_one: bool = False
) -> Options:
    """The options of a request.

    Args:
        query: Names and values of the query string, percent-decoded, in order.
        entity_type: What the request asks for.
        model: Where the type is.
        of_one: It asks for one entity, of which nothing is left out, ordered or counted.

    Raises:
        MalformedQuery: An option cannot be read, stands twice, or does not fit the model.
        NotSupported: There is `$search`.
        UnsupportedMediaType: `$format` asks for something that is not JSON.
    """
    options, seen = Options(), set()
    for given, value in query:
        name = _system_name(given.strip())
        if name is None:
            continue
        if name in seen:
            raise MalformedQuery(name, "It stands there twice.")
        if of_one and name in _OF_COLLECTIONS:
            raise MalformedQuery(name, "It is for several entities, and here is one.")
        seen.add(name)
        options = _with(options, name, value, entity_type, model)
    return options


def must_have_no_options(query: Iterable[tuple[str, str]], formats: Collection[str] = JSON) -> None:
    """Lets the query of something through of which nothing is chosen.

    Args:
        query: Names and values of the query string, percent-decoded, in order.
        formats: What `$format` may ask for.

    Raises:
        MalformedQuery: There is another option.
        UnsupportedMediaType: `$format` asks for something else.
    """
    for given, value in query:
        name = _system_name(given.strip())
        if name == "$format":
            _must_be_format(value, formats)
        elif name is not None:
            raise MalformedQuery(name, "There is nothing to choose here.")


def _system_name(given: str) -> str | None:
    """The name of a system query option; None where it is somebody else's."""
    name = given.lower()
    if "$" in name:
        # Also `?$filter` and `amp;$filter`, which clients make that put URLs together: who sends it wants it to count.
        if name not in _ALL:
            raise MalformedQuery(echo(given), "There is no such option here.")
        return name
    return f"${name}" if f"${name}" in _ALL else None


def _with(options: Options, name: str, value: str, entity_type: EntityType, model: Model) -> Options:
    match name:
        case "$skiptoken":
            return options._replace(skiptoken=value)
        case "$format":
            _must_be_format(value, JSON)
            return options
        case "$search":
            raise _search()
        case _:
            scanner = Scanner(name, value)
            options = _Reader(scanner, model).read(options, name, entity_type, level=1)
            if scanner.kind != tokens.END:
                raise scanner.unexpected("the end, or what joins it with more,")
            return options


def _must_be_format(value: str, formats: Collection[str]) -> None:
    if value.partition(";")[0].strip().lower() not in formats:
        raise UnsupportedMediaType(value)


def _search() -> NotSupported:
    return NotSupported("$search is not supported; $filter with contains may do.")


class _Reader:
    """Reads options where a scanner stands, which is within the brackets of another or not."""

    def __init__(self, scanner: Scanner, model: Model) -> None:
        self._scanner = scanner
        self._model = model

    def read(self, options: Options, name: str, entity_type: EntityType, *, level: int) -> Options:
        """Options with one more."""
        match name:
            case "$filter":
                parser = ExpressionParser(self._scanner, entity_type, self._model)
                return options._replace(filter=parser.condition())
            case "$select":
                return options._replace(select=self._select(entity_type))
            case "$orderby":
                return options._replace(orderby=self._orderby(entity_type))
            case "$expand":
                return options._replace(expand=self._expand(entity_type, level))
            case "$top":
                return options._replace(top=self._number())
            case "$skip":
                return options._replace(skip=self._number())
            case _:
                return options._replace(with_count=self._truth())

    def _number(self) -> int:
        text = self._scanner.text
        number = int(text) if _NUMBER.fullmatch(text) else None
        if number is None or number > LARGEST_NUMBER:
            raise self._scanner.unexpected(f"a whole number from 0 to {LARGEST_NUMBER}")
        self._scanner.advance()
        return number

    def _truth(self) -> bool:
        found = self._scanner.is_word("true")
        if not found and not self._scanner.is_word("false"):
            raise self._scanner.unexpected("true or false")
        self._scanner.advance()
        return found

    def _select(self, entity_type: EntityType) -> tuple[str, ...] | None:
        names: dict[str, None] = {}
        everything = False
        while True:
            if self._scanner.take("*"):
                everything = True
            else:
                names[self._member(entity_type).name] = None
                if self._scanner.is_mark("/"):
                    raise self._scanner.refused("Only properties of the entity itself are selected.")
            if not self._scanner.take(","):
                return None if everything else tuple(names)

    def _orderby(self, entity_type: EntityType) -> tuple[Order, ...]:
        orders: list[Order] = []
        while True:
            if len(orders) == MOST_ORDERS:
                raise self._scanner.refused(f"Entities are ordered by at most {MOST_ORDERS} values.")
            expression = ExpressionParser(self._scanner, entity_type, self._model).expression()
            descending = self._scanner.is_word("desc")
            if descending or self._scanner.is_word("asc"):
                self._scanner.advance()
            orders.append(Order(expression, descending))
            if not self._scanner.take(","):
                return tuple(orders)

    def _expand(self, entity_type: EntityType, level: int) -> tuple[Expand, ...]:
        scanner = self._scanner
        found: dict[str, Expand] = {}
        everything = False
        while True:
            if scanner.take("*"):
                everything = True
            else:
                start = scanner.start
                navigation = self._member(entity_type)
                if isinstance(navigation, Property):
                    raise scanner.refused(f"{navigation.name} is no navigation.", start)
                if navigation.name in found:
                    raise scanner.refused(f"{navigation.name} stands there twice.", start)
                if scanner.is_mark("/"):
                    raise scanner.refused("What follows is expanded in brackets: Children($expand=ChildProduct).")
                options = self._nested(navigation, level) if scanner.take("(") else Options()
                found[navigation.name] = Expand(navigation, options)
            if not scanner.take(","):
                break
        if everything:
            for navigation in entity_type.navigations.values():
                found.setdefault(navigation.name, Expand(navigation))
        return tuple(found.values())

    def _nested(self, navigation: Navigation, level: int) -> Options:
        """The options in the brackets behind a navigation, which are open already."""
        scanner, options = self._scanner, Options()
        seen: set[str] = set()
        while True:
            name = self._nested_name(navigation)
            if name in seen:
                raise scanner.refused(f"{name} stands there twice.")
            if name == "$expand" and level == LEVELS:
                raise scanner.refused(f"$expand goes at most {LEVELS} levels deep.")
            seen.add(name)
            scanner.advance()
            scanner.expect("=")
            options = self.read(options, name, self._model.target(navigation), level=level + 1)
            if scanner.kind == tokens.END:
                raise scanner.refused(f'There should be ")" instead of the end. {tokens.CUT_SHORT}')
            if not scanner.take(";"):
                scanner.expect(")")
                return options

    def _nested_name(self, navigation: Navigation) -> str:
        scanner = self._scanner
        given = scanner.text.lower() if scanner.kind == tokens.NAME else ""
        name = given if given.startswith("$") else f"${given}"
        if name == "$search":
            raise _search()
        if name not in _OF_NAVIGATIONS:
            raise scanner.unexpected("an option")
        if name in _OF_COLLECTIONS and not navigation.many:
            raise scanner.refused(f"{navigation.name} leads to one entity: it takes $select and $expand alone.")
        return name

    def _member(self, entity_type: EntityType) -> Property | Navigation:
        scanner = self._scanner
        if scanner.kind != tokens.NAME:
            raise scanner.unexpected("a property")
        member = entity_type.member(scanner.text)
        if member is None:
            raise scanner.refused(f'{entity_type.name} has no property "{echo(scanner.text)}".')
        scanner.advance()
        return member
