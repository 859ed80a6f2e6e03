"""What can be done with the catalogue: each operation reads, lets the rules decide, and commits once.

`by` names the request or the job that wants it; it is stored with what changes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from batchyard import clock, ulids
from batchyard.catalogue import entities, limits, reference, repository, rules
from batchyard.catalogue.rules import Entity, Own, Product, Variant
from batchyard.errors import Invalid, Lost, NotFound, PreconditionFailed, TooLarge
from batchyard.store.unit import Unit, transact

type Stock = Mapping[int, Mapping[int, int]]
"""Pieces by entity and distribution centre."""


def create(given: Product, by: str, stock: Callable[[Product], Stock] | None = None) -> Product:
    """Makes a product.

    Args:
        given: What it is to be. IDs that are empty or 0 are given to it; dates and version are its own.
        by: Who wants it.
        stock: Tells what is there of it, once it has its IDs.

    Raises:
        Taken: Another product has its handle or one of its SKUs.
        Invalid: It cannot be, or refers to what is not there.
        TooLarge: It has more bytes than a product may, or than a change set has room for.
    """
    now = clock.now()
    new = _named(
        replace(given, id=given.id or f"prod_{ulids.new(now)}", created=now, updated=now, by=by, version=0), now
    )
    ids = _Ids()

    def operation(unit: Unit) -> Product:
        # Nobody else has this ID: it is there if the answer to the first try got lost.
        found = repository.get(unit, new.id) if unit.attempt > 1 else None
        if found is not None:
            return found
        _must_be_possible(new, None)
        product = ids.complete(new)
        return repository.put(unit, product, None, stock(product) if stock else {})

    return transact(operation)


def retrieve(id: str) -> Product:
    """A product as it is now.

    Raises:
        NotFound: There is none.
    """
    return transact(lambda unit: _find(unit, id))


def update(
    id: str,
    revise: Callable[[Product], Product],
    by: str,
    stock: Callable[[Product], Stock] | None = None,
    *,
    version: int | None = None,
) -> Product:
    """Changes a product and returns it as it is then.

    Args:
        revise: What becomes of it; called again where others changed it meanwhile. New variants have no IDs yet.
        by: Who wants it.
        stock: Tells which quantities are set, once it has all of its IDs.
        version: The version that the caller means; None for any.

    Raises:
        NotFound: There is none.
        Taken: Another product has its handle or one of its SKUs.
        Invalid: It cannot be like that, or refers to what is not there.
        PreconditionFailed: It is not the version that the caller means, and the change would change it.
        TooLarge: It has more bytes than a product may, or than a change set has room for.
    """
    now = clock.now()
    ids = _Ids()

    def operation(unit: Unit) -> Product:
        before = _find(unit, id)
        revised = replace(revise(before), id=id, created=before.created, updated=now, by=by, version=before.version)
        if rules.becomes_parent(revised):
            revised = replace(revised, parent=before.parent)
        if not rules.is_same(revised, before):
            if version not in {None, before.version}:
                raise PreconditionFailed
            _must_be_possible(revised, before)
        product = ids.complete(_named(revised, now))
        return repository.put(unit, product, before, stock(product) if stock else {})

    return transact(operation)


def remove(id: str, *, version: int | None = None) -> None:
    """Removes a product, also one whose contents are lost.

    Raises:
        NotFound: There is none.
        InBundle: One of its variants is a component of a bundle.
        PreconditionFailed: It is not the version that the caller means.
        TooLarge: It has more components than a change set has room for.
    """

    def operation(unit: Unit) -> None:
        try:
            product = _find(unit, id)
        except Lost:
            if version not in {None, repository.delete_lost(unit, id)}:
                raise PreconditionFailed from None
            return
        if version not in {None, product.version}:
            raise PreconditionFailed
        repository.delete(unit, product)

    try:
        transact(operation)
    except TooLarge:
        for entity in retrieve(id).entities:
            entities.take_apart(entity)
        transact(operation)


def split_off(
    id: str, variants: Collection[int], make: Callable[[Product, Variant], Product], by: str
) -> list[Product]:
    """Makes products of their own of some of a product's variants, all of them or none.

    Each keeps its integer ID, its stock and what it stores itself, also as a bundle or as a component of bundles.

    Args:
        id: ID of the product.
        variants: The integer IDs of the variants.
        make: What a product is to be, of what its variant had in common with others; its IDs, dates and variants are
            given to it.
        by: Who wants it.

    Returns:
        The new products, in the order of the variants.

    Raises:
        NotFound: There is no such product, or not all of these are its variants.
        Taken: Another product has the handle of one of them.
        Invalid: One of them cannot be.
        TooLarge: They are more than a transaction has room for.
    """
    now = clock.now()
    new_ids = {entity: f"prod_{ulids.new(now)}" for entity in sorted(variants)}

    def operation(unit: Unit) -> list[Product]:
        # Nobody else has these IDs: they are there if the answer to the first try got lost.
        there = [repository.get(unit, one) for one in new_ids.values()] if unit.attempt > 1 else []
        if there and None not in there:
            return [one for one in there if one is not None]
        product = _find(unit, id)
        repository.load(unit, entities=variants)
        taken = {one: _find_entity(unit, one) for one in variants}
        going = {variant.entity: variant for variant in product.variants if variant.entity in new_ids}
        if missing := sorted(new_ids.keys() - going.keys()):
            raise NotFound(f"There is no product {missing[0]} in {product.handle}.")
        rest = tuple(variant for variant in product.variants if variant.entity not in going)
        repository.put(unit, replace(product, variants=rest, updated=now, by=by), product, given_away=going.keys())
        made = []
        for entity, variant in going.items():
            new = replace(make(product, variant), id=new_ids[entity], created=now, updated=now, by=by, version=0)
            new = replace(new, parent=None, options=(), variants=(replace(variant, options=()),))
            _must_be_possible(new, product)
            made.append(repository.put(unit, new, None, taken={entity: taken[entity]}))
        return made

    return transact(operation)


def set_quantities(
    id: int, quantities: Mapping[int, int], by: str, *, relative: bool = False, complete: bool = False
) -> Entity:
    """Sets what there is of a variant, by one conditional write; returns its entity as it is then.

    Args:
        id: The integer ID of its entity.
        quantities: Pieces by distribution centre: all of them are taken, or none.
        by: Who wants it.
        relative: They are added to what there is.
        complete: What is not named is set to 0.

    Raises:
        NotFound: There is no such entity.
        Invalid: It is a parent or a bundle, a distribution centre is unknown, or a quantity cannot be.
    """
    known = {reference.FIRST_CENTRE.id}
    if not quantities.keys() <= known:
        known = {centre.id for centre in reference.centres()}
    if unknown := sorted(quantities.keys() - known):
        raise Invalid({"quantity": [f"There is no distribution centre {', '.join(map(str, unknown))}."]})
    now = clock.now()

    def operation(unit: Unit) -> Entity:
        entity = _find_entity(unit, id)
        if entity.variant is None:
            raise Invalid({"quantity": ["A parent has no quantities of its own."]})
        if entity.components:
            raise Invalid({"quantity": ["A bundle has no quantities of its own."]})
        wanted = dict(quantities)
        if relative:
            unit.once = True
            wanted = {centre: entity.quantities.get(centre, 0) + pieces for centre, pieces in quantities.items()}
        if complete:
            wanted = dict.fromkeys(entity.quantities, 0) | wanted
        changed = rules.stocked(entity, wanted, now, by)
        return entity if changed is entity else repository.put_entity(unit, changed)

    return transact(operation)


def forget_quantity(id: int, centre: int, by: str) -> Entity:
    """Takes a variant out of a distribution centre, as if it never had been there; returns its entity as it is then.

    Raises:
        NotFound: There is no such entity, or it is not kept there.
    """
    now = clock.now()

    def operation(unit: Unit) -> Entity:
        entity = _find_entity(unit, id)
        if centre not in entity.quantities:
            raise NotFound
        unit.once = True
        left = {one: pieces for one, pieces in entity.quantities.items() if one != centre}
        forgotten = replace(entity, quantities=left, stocked=max(now, entity.stocked), stocked_by=by)
        return repository.put_entity(unit, forgotten)

    return transact(operation)


def change_entity(id: int, revise: Callable[[Own], Own], by: str, *, version: int | None = None) -> Entity:
    """Changes what an entity stores itself; returns it as it is then.

    Args:
        id: Its integer ID.
        revise: What becomes of what it stores; called again where others changed it meanwhile.
        by: Who wants it.
        version: The entity's version that the caller means; None for any.

    Raises:
        NotFound: There is no such entity.
        Invalid: It cannot store that, or it cannot be a bundle of that.
        PreconditionFailed: It is not the version that the caller means, and the change would change it.
        TooLarge: It has more bytes than an entity may, or than a change set has room for.
    """
    now = clock.now()

    def operation(unit: Unit) -> Entity:
        entity = _find_entity(unit, id)
        before = entities.own(unit, entity)
        own = rules.tidy(revise(before))
        if own == before:
            return entity
        if version not in {None, entity.version}:
            raise PreconditionFailed
        limits.check_own(own)
        added, removed = own.components.keys() - before.components.keys(), before.components.keys() - own.components
        if added:
            _must_be_a_bundle_of(unit, entity, added)
        changed = entities.holding(entity, own, unit.write_blob)
        named = entity.updated if entity.named is None else entity.named
        changed = replace(changed, updated=max(now, entity.updated + 1), by=by, named=named)
        stored = repository.put_entity(unit, changed)
        entities.count(unit, Counter(dict.fromkeys(added, 1) | dict.fromkeys(removed, -1)))
        return stored

    return transact(operation)


class _Ids:
    """Integer IDs for one operation: what a lost race has taken serves the next attempt."""

    def __init__(self) -> None:
        self._taken: list[int] = []

    def complete(self, product: Product) -> Product:
        """A product with all of its integer IDs."""
        missing = rules.unnumbered(product) - len(self._taken)
        if missing > 0:
            first = repository.reserve_ids(missing)
            self._taken += range(first, first + missing)
        free = iter(self._taken)
        return rules.numbered(product, lambda: next(free))


def _find(unit: Unit, id: str) -> Product:
    found = repository.get(unit, id)
    if found is None:
        raise NotFound(f"Product with id: {id} was not found")
    return found


def _find_entity(unit: Unit, id: int) -> Entity:
    found = repository.get_entity(unit, id)
    if found is None:
        raise NotFound(f"There is no product {id}.")
    return found


def _must_be_a_bundle_of(unit: Unit, entity: Entity, components: Collection[int]) -> None:
    """Raises `Invalid` unless all of these can be components of a bundle."""
    if entity.variant is None:
        raise Invalid({"components": ["A parent is no bundle."]})
    if entity.bundles:
        raise Invalid({"components": ["A component of a bundle is no bundle itself."]})
    repository.load(unit, entities=components)
    found = [repository.get_entity(unit, id) for id in components]
    repository.load(unit, [one.product for one in found if one is not None])
    for id, one in zip(components, found, strict=True):
        product = None if one is None else repository.get(unit, one.product)
        if one is None or product is None or id not in product.entities:
            raise Invalid({"components": [f"There is no product {id}."]})
        if id == entity.id:
            raise Invalid({"components": ["A bundle is no component of itself."]})
        if one.variant is None:
            raise Invalid({"components": [f"The product {id} is a parent."]})
        if one.components:
            raise Invalid({"components": [f"The product {id} is a bundle."]})


def _named(product: Product, moment: int) -> Product:
    """A product whose variants all have IDs."""
    variants = (one if one.id else replace(one, id=f"variant_{ulids.new(moment)}") for one in product.variants)
    return replace(product, variants=tuple(variants))


def _must_be_possible(product: Product, before: Product | None) -> None:
    """Raises `Invalid` for a product that cannot be, or that refers to what is not there and was not before."""
    limits.check(product)
    unknown = reference.unknown(product, before)
    if unknown:
        raise Invalid(unknown)
