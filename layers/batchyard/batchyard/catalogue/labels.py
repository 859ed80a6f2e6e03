"""Which entities have a label: an item for each, by label and shard, that follows the entity behind its change.

What an entity is listed under is kept beside it, in an item of its own. It is compared with the entity as it is now,
not with what a change says: so a delivery may be lost, repeated or late, and the next one makes it right.

Why: docs/decisions.md#lists-by-labels-follow-what-they-list
"""

import json
from functools import partial

from batchyard.catalogue import codec
from batchyard.jsontext import dumps
from batchyard.store import items
from batchyard.store.items import Key
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import MAX_ACTIONS, Unit, transact

_AT_ONCE = MAX_ACTIONS - 1
_LISTED = "labels"


def follow(id: int) -> None:
    """Has an entity be listed under its labels, and no others.

    Args:
        id: Its integer ID; it may be gone.

    Raises:
        Contended: Somebody else is about it all the time.
        Unavailable: The store did not answer.
    """
    while not transact(partial(_move, id)):
        pass


def _move(id: int, unit: Unit) -> bool:
    """Stages some of what differs; returns whether that is all of it."""
    place: Key = {**codec.entity_key(id), "part": _LISTED}
    # Read before the entity: what others make of a later state of that is then seen when this is written.
    kept = unit.get(CATALOGUE, place)
    listed = set(json.loads(items.text(kept or {}, _LISTED) or "[]"))
    item = unit.get(CATALOGUE, codec.entity_key(id))
    labels = set() if item is None else set(codec.decode_own(item, unit.read_blob).labels)
    differing = sorted(labels ^ listed)
    some = differing[:_AT_ONCE]
    if some:
        keys = {name: _key(name, id) for name in some}
        unit.load(CATALOGUE, keys.values())
        for name, key in keys.items():
            is_there = unit.get(CATALOGUE, key) is not None
            if name in labels and not is_there:
                unit.put(CATALOGUE, {**key})
            elif name not in labels and is_there:
                unit.delete(CATALOGUE, key)
        listed ^= set(some)
        if listed:
            unit.put(CATALOGUE, {**place, _LISTED: dumps(sorted(listed))})
        elif kept is not None:
            unit.delete(CATALOGUE, place)
    return len(some) == len(differing)


def _key(name: str, id: int) -> Key:
    return {"id": codec.label_partition(name, id % codec.SHARDS), "part": codec.label_part(id)}
