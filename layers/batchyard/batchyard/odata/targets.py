"""What a URL leads to: an entity set, an entity, what belongs to one, an action, or what tells of the service."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from batchyard.errors import NotFound
from batchyard.odata.model import STRING, WHOLE_NUMBERS, Action, EntitySet, Model, Navigation, Property
from batchyard.odata.sets import Key
from batchyard.odata.urls import Segment, Value


class Document(Enum):
    """What tells of the service itself."""

    SERVICE = "the service document"
    METADATA = "the metadata document"


class Kind(Enum):
    """What a URL leads to, of an entity set."""

    ENTITIES = "entities of a set, or of an entity"
    COUNT = "how many of these there are"
    QUERY = "these, asked for in a body"
    ENTITY = "one entity"
    RELATED = "the one entity that belongs to an entity"
    PROPERTY = "a property of an entity"
    VALUE = "the same as text"
    ACTION = "an action"


class Target(NamedTuple):
    """Where a URL leads.

    Attributes:
        kind: What it is.
        entity_set: The entity set that `key` is of, or that is asked for.
        key: The key of the entity that is asked for, or that what is asked for belongs to.
        navigation: The navigation property of that entity.
        member: The property of it.
        action: The action.
    """

    kind: Kind
    entity_set: EntitySet
    key: Key = ()
    navigation: Navigation | None = None
    member: Property | None = None
    action: Action | None = None


def resolve(segments: Sequence[Segment], model: Model) -> Target | Document:
    """Where the segments of a path lead.

    Raises:
        NotFound: Nowhere.
        Malformed: A key is not one of its entity set's.
    """
    if not segments:
        return Document.SERVICE
    first, *rest = segments
    if first.name == "$metadata" and not first.key and not rest:
        return Document.METADATA
    found = model.sets.get(first.name)
    if found is None:
        raise NotFound(f"There is no entity set {first.name[:100]}.")
    if not first.key:
        return _of_several(Target(Kind.ENTITIES, found), rest)
    return _of_entity(found, _key(found, first.key_of(*found.type.key)), rest, model)


def _of_several(several: Target, rest: Sequence[Segment]) -> Target:
    if not rest:
        return several
    if len(rest) == 1 and not rest[0].key and rest[0].name in _OF_SEVERAL:
        return several._replace(kind=_OF_SEVERAL[rest[0].name])
    raise NotFound


_OF_SEVERAL: Mapping[str, Kind] = {"$count": Kind.COUNT, "$query": Kind.QUERY}


def _of_entity(found: EntitySet, key: Key, rest: Sequence[Segment], model: Model) -> Target:
    here = Target(Kind.ENTITY, found, key)
    if not rest:
        return here
    first, *rest = rest
    if (navigation := found.type.navigations.get(first.name)) is not None:
        target = model.set_of(model.target(navigation))
        if not navigation.many:
            if rest or first.key:
                raise NotFound
            return here._replace(kind=Kind.RELATED, navigation=navigation)
        if not first.key:
            return _of_several(here._replace(kind=Kind.ENTITIES, navigation=navigation), rest)
        # The first part of its key is the entity's own.
        own = first.key_of(*target.type.key[len(key) :])
        return _of_entity(target, _key(target, (*key, *own)), rest, model)
    if first.key:
        raise NotFound
    if (action := model.actions.get(first.name.removeprefix(f"{model.namespace}."))) is not None and not rest:
        if action.type is not found.type:
            raise NotFound
        return here._replace(kind=Kind.ACTION, action=action)
    if (one := found.type.properties.get(first.name)) is not None:
        end = [segment.name for segment in rest]
        if end in ([], ["$value"]):
            return here._replace(kind=Kind.VALUE if end else Kind.PROPERTY, member=one)
    raise NotFound(f"{found.type.name} has no {first.name[:100]}.")


def _key(found: EntitySet, given: Sequence[Value]) -> Key:
    key: list[int | str] = []
    for name, value in zip(found.type.key, given, strict=True):
        kind = found.type.properties[name].type
        bounds = WHOLE_NUMBERS.get(kind) if isinstance(kind, str) else None
        if (kind == STRING and isinstance(value, str)) or (
            bounds is not None and isinstance(value, int) and bounds[0] <= value <= bounds[1]
        ):
            key.append(value)
        elif isinstance(value, UUID | int | str):
            # Of another type, or of none of the model's numbers: nothing has it.
            raise NotFound(f"There is no {found.type.name} with the {name} {str(value)[:100]}.")
    return tuple(key)
