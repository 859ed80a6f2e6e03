"""An OData product as a unit of work has it."""

from typing import NamedTuple

from batchyard.catalogue import entities, repository
from batchyard.catalogue.entity_lists import Seen
from batchyard.catalogue.entity_sets.reading import tag_of
from batchyard.catalogue.entity_sets.rows import ProductRow, Row, Rows
from batchyard.catalogue.rules import Entity, Own, Product
from batchyard.errors import NotFound
from batchyard.odata.sets import Write
from batchyard.store.unit import Unit


class Found(NamedTuple):
    """An OData product as a unit has it.

    Attributes:
        entity: Its entity.
        product: The product that it belongs to.
        own: What it stores itself.
    """

    entity: Entity
    product: Product
    own: Own

    @property
    def is_child(self) -> bool:
        """Whether it is a child of a parent."""
        return self.entity.variant is not None and self.product.parent is not None

    @property
    def row(self) -> Row:
        """It as it is shown, apart from what others tell of it: its Sku as a parent, its components and children."""
        return ProductRow(Seen(self.entity, self.product, self.own, False, {}), Rows([]))


def find(unit: Unit, id: int) -> Found:
    """An OData product as a unit will leave it.

    Raises:
        NotFound: There is none.
    """
    entity = repository.get_entity(unit, id)
    product = None if entity is None else repository.get(unit, entity.product)
    if entity is None or product is None or id not in product.entities:
        raise NotFound(f"There is no Product ({id}).")
    return Found(entity, product, entities.own(unit, entity))


def row_of(unit: Unit, id: int) -> Row:
    """A product as a unit will leave it."""
    found = find(unit, id)
    components = {one: repository.get_entity(unit, one) for one in found.own.components}
    there = {one: entity for one, entity in components.items() if entity is not None}
    shadowed = found.product.parent is not None and repository.sku_holder(unit, found.product.handle) is not None
    return ProductRow(Seen(found.entity, found.product, found.own, shadowed, there), Rows(found.product.entities))


def meant(unit: Unit, id: int, write: Write) -> Found:
    """An OData product as a unit will leave it, if it is the one that whoever writes it means.

    Raises:
        NotFound: There is none.
        PreconditionFailed: It is not the one.
    """
    found = find(unit, id)
    write.must_hold(own_tag(found))
    return found


def own_tag(found: Found) -> str:
    """The entity tag that `If-Match` is about."""
    return tag_of(found.product, found.entity).own
