"""What a service's entity data model is made of (OData CSDL 4.0): types, entity sets, actions, each named once.

A family declares its `Model`; from it come `$metadata`, the service document, what queries may name, and what bodies
may hold. Nothing here knows a family.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from batchyard.errors import Invalid

INT32, INT64 = "Edm.Int32", "Edm.Int64"
DECIMAL, DOUBLE = "Edm.Decimal", "Edm.Double"
STRING, BOOLEAN = "Edm.String", "Edm.Boolean"
DATE_TIME = "Edm.DateTimeOffset"
"""Moments; within the service they are microseconds since the Unix epoch."""

NUMBERS = frozenset({INT32, INT64, DECIMAL, DOUBLE})
WHOLE_NUMBERS: Mapping[str, tuple[int, int]] = {INT32: (-(2**31), 2**31 - 1), INT64: (-(2**63), 2**63 - 1)}
"""The types of whole numbers with what they reach from and to."""


class EnumType(NamedTuple):
    """An enumeration; within the service a value is its name.

    Attributes:
        name: Its name without the namespace.
        members: Its members by name, with their numbers, in order.
    """

    name: str
    members: Mapping[str, int]


class Collection(NamedTuple):
    """Several of a type.

    Attributes:
        of: The type.
    """

    of: "str | EnumType | ComplexType"


class Property(NamedTuple):
    """A structural property.

    Attributes:
        name: Its name.
        type: A primitive type's name, an enumeration, a complex type, or a collection.
        nullable: It may be null.
        longest: Characters of a string, at most; None where they do not count.
        computed: Clients do not write it: what they send of it is ignored.
    """

    name: str
    type: "str | EnumType | ComplexType | Collection"
    nullable: bool = True
    longest: int | None = None
    computed: bool = False


class Navigation(NamedTuple):
    """A navigation property.

    Attributes:
        name: Its name.
        target: The name of the entity type that it leads to.
        many: It leads to a collection.
    """

    name: str
    target: str
    many: bool = True


class ComplexType:
    """A structured type without a key.

    Args:
        name: Its name without the namespace.
        properties: Its structural properties, in order.
    """

    def __init__(self, name: str, properties: tuple[Property, ...]) -> None:
        self.name = name
        self.properties: Mapping[str, Property] = {one.name: one for one in properties}

    def property(self, name: str) -> Property:
        """A property by its exact name.

        Raises:
            Invalid: There is none.
        """
        found = self.properties.get(name)
        if found is None:
            raise Invalid({name[:100]: [f"{self.name} has no property of this name."]})
        return found


class EntityType(ComplexType):
    """A structured type with a key.

    Args:
        name: Its name without the namespace.
        key: The names of its key properties, in order.
        properties: Its structural properties, in order.
        navigations: Its navigation properties, in order.
    """

    def __init__(
        self,
        name: str,
        key: tuple[str, ...],
        properties: tuple[Property, ...],
        navigations: tuple[Navigation, ...] = (),
    ) -> None:
        super().__init__(name, properties)
        self.key = key
        self.navigations: Mapping[str, Navigation] = {one.name: one for one in navigations}

    @cached_property
    def _folded(self) -> Mapping[str, Property | Navigation]:
        members: dict[str, Property | Navigation] = {**self.properties, **self.navigations}
        return {name.lower(): one for name, one in members.items()}

    def member(self, name: str) -> Property | Navigation | None:
        """A property by its name in any case, as queries name it; None where there is none."""
        return self._folded.get(name.lower())


class Action(NamedTuple):
    """An action bound to one entity.

    Attributes:
        name: Its name.
        type: The entity type that it is bound to.
        value: The type of its parameter `Value`.
    """

    name: str
    type: EntityType
    value: ComplexType


class EntitySet(NamedTuple):
    """An entity set.

    Attributes:
        name: Its name.
        type: The type of its entities.
        page: Entities of a page, at most.
    """

    name: str
    type: EntityType
    page: int = 100


class Model:
    """A whole entity data model.

    Args:
        namespace: Where all types are.
        enums: Its enumerations, in the order that `$metadata` names them.
        sets: Its entity sets; entity types stand once each.
    """

    def __init__(
        self,
        namespace: str,
        enums: tuple[EnumType, ...],
        complex_types: tuple[ComplexType, ...],
        sets: tuple[EntitySet, ...],
        actions: tuple[Action, ...],
    ) -> None:
        self.namespace = namespace
        self.enums = enums
        self.complex_types = complex_types
        self.sets: Mapping[str, EntitySet] = {one.name: one for one in sets}
        self.types: Mapping[str, EntityType] = {one.type.name: one.type for one in sets}
        self.actions: Mapping[str, Action] = {one.name: one for one in actions}

    def target(self, navigation: Navigation) -> EntityType:
        """The type that a navigation property leads to."""
        return self.types[navigation.target]

    def set_of(self, entity_type: EntityType) -> EntitySet:
        """The entity set of a type's entities."""
        return next(one for one in self.sets.values() if one.type is entity_type)
