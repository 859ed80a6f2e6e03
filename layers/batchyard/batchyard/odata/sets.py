"""What a family tells of an entity set: by which keys of its store entities are found, and what they hold.

Every entity belongs to a *base*, something with an integer number that the store reads as a whole: a product itself, or
the product that an image is of. Keys lead to bases, bases to rows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from batchyard.errors import PreconditionFailed
from batchyard.http.preconditions import UNCONDITIONAL, Preconditions
from batchyard.odata.model import EntitySet

type Row = Mapping[str, Any]
"""An entity by the names of its model: moments in microseconds since the Unix epoch, enumerations by their members'
names, navigation properties as rows or lists of rows."""

type Position = tuple[int, ...]
"""Where a base stands in an order: what it is ordered by, and its number."""

type NextPositions = Callable[[Position | None, int, bool], Sequence[Position]]
"""The next positions behind one (None: from the beginning), so many at most, and whether in descending order. Fewer are
the last ones."""


class Lookup(NamedTuple):
    """A property that finds its bases at once.

    Attributes:
        property: Its name.
        find: The numbers of the bases that have one of some values.
    """

    property: str
    find: Callable[[Collection[Any]], Iterable[int]]


class Range(NamedTuple):
    """A property that bases are kept in the order of.

    Attributes:
        property: Its name.
        between: The order from one value to another one, both included; None for no bound.
    """

    property: str
    between: Callable[[int | None, int | None], NextPositions]


class Membership(NamedTuple):
    """A property of what belongs to an entity that finds it.

    Attributes:
        collection: The navigation property.
        property: The property of what it leads to.
        holding: The bases that have a value there, in the order of their numbers.
    """

    collection: str
    property: str
    holding: Callable[[str], NextPositions]


class Readable(NamedTuple):
    """An entity set as it is read.

    Attributes:
        set: Its place in the model.
        number: The property that holds the number of an entity's base.
        rows: Reads the entities of bases; tells those of one by its number, in the order of their keys, as they are
            asked for in the bases' own order.
        every: All bases in the order of their numbers.
        lookups: Properties that find bases at once, the most selective ones first.
        memberships: Properties of what belongs to them that do.
        ranges: Properties that they are kept in the order of.
        total: How many entities there are, a moment behind; None where that is not known.
    """

    set: EntitySet
    number: str
    rows: Callable[[Sequence[int]], Callable[[int], Sequence[Row]]]
    every: NextPositions
    lookups: Sequence[Lookup] = ()
    memberships: Sequence[Membership] = ()
    ranges: Sequence[Range] = ()
    total: Callable[[], int | None] = lambda: None


class Write(NamedTuple):
    """A write, as far as it is the same for all entity sets.

    Attributes:
        by: Who wants it.
        preconditions: What must hold for it.
    """

    by: str
    preconditions: Preconditions = UNCONDITIONAL

    def must_hold(self, tag: str | None) -> None:
        """Lets a change of what is there through.

        Args:
            tag: The entity tag that `If-Match` is about; None where the entity is not there.

        Raises:
            PreconditionFailed: The preconditions do not hold.
        """
        if tag is not None:
            self.preconditions.must_hold(tag)
        elif self.preconditions.match is not None:
            raise PreconditionFailed


type Key = tuple[int | str, ...]
type Given = Mapping[str, Any]
type Create = Callable[[Given, Write], Row]
type Change = Callable[[Key, Given, Write], None]
type Remove = Callable[[Key, Write], None]


class Writable(NamedTuple):
    """An entity set as it is written; what is None is not served.

    Attributes:
        create: Makes an entity of what is given; returns it.
        change: Changes the entity of a key, or makes it where the set has it so.
        remove: Removes the entity of a key.
        actions: What is done to an entity, by the names of its type's actions, with the action's `Value`.
        nested: The navigation properties that may be given along where an entity is made.
    """

    create: Create | None = None
    change: Change | None = None
    remove: Remove | None = None
    actions: Mapping[str, Change] = MappingProxyType({})
    nested: frozenset[str] = frozenset()


NOT_WRITTEN = Writable()
"""An entity set that is only read."""


def listed(numbers: Iterable[int]) -> NextPositions:
    """Bases that are all known, in the order of their numbers."""
    ordered = sorted(set(numbers))

    def next_positions(after: Position | None, count: int, descending: bool) -> Sequence[Position]:
        found = reversed(ordered) if descending else iter(ordered)
        behind = (one for one in found if after is None or (one < after[-1] if descending else one > after[-1]))
        return [(one,) for one, _ in zip(behind, range(count), strict=False)]

    return next_positions
