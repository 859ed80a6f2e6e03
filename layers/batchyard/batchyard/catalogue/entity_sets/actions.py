"""What is done to an OData product by an action: all of it, or nothing."""

from dataclasses import replace

from batchyard.catalogue import operations
from batchyard.catalogue.entity_sets.found import meant
from batchyard.catalogue.entity_sets.skus import free_handle
from batchyard.catalogue.entity_sets.values import attributes_of, merged, merged_attributes
from batchyard.catalogue.rules import Product, Variant
from batchyard.errors import Invalid
from batchyard.http.preconditions import UNCONDITIONAL
from batchyard.odata.payload import each, required
from batchyard.odata.sets import Given, Key, Write
from batchyard.store.unit import Unit, in_one


def update_quantity(key: Key, given: Given, write: Write) -> None:
    """Sets, or adds to, what there is of a product in distribution centres: all of them, or none.

    Raises:
        NotFound: There is no such product.
        Invalid: A quantity cannot be, a centre is unknown, or the product has no quantities of its own.
    """
    kind = given.get("UpdateType") or "Absolute"
    if kind == "Unconfirmed":
        raise Invalid({"UpdateType": ["Unconfirmed quantities are not kept here."]})
    quantities: dict[int, int] = {}

    def place(update: Given) -> None:
        required(update, "DistributionCenterID", "Quantity")
        centre = update["DistributionCenterID"]
        if centre in quantities:
            raise Invalid({"DistributionCenterID": [f"The distribution centre {centre} stands there twice."]})
        quantities[centre] = update["Quantity"]

    each("Updates", given.get("Updates", ()), place)
    id, relative, complete = int(key[0]), kind == "Relative", bool(given.get("CompleteDCList"))

    def act(unit: Unit) -> None:
        if write.preconditions != UNCONDITIONAL:
            # Else the product need not be read.
            meant(unit, id, write)
        operations.set_quantities(id, quantities, write.by, relative=relative, complete=complete)

    in_one(act)


def update_attributes(key: Key, given: Given, write: Write) -> None:
    """Sets attributes of a product; those that are not named stay.

    Raises:
        NotFound: There is no such product.
        Invalid: It cannot have them.
    """
    names = attributes_of(given)

    def act(unit: Unit) -> None:
        found = meant(unit, int(key[0]), write)
        operations.change_entity(
            found.entity.id,
            lambda own: replace(own, attributes=merged_attributes(own.attributes, names)),
            write.by,
        )

    in_one(act)


def remove_children(key: Key, given: Given, write: Write) -> None:
    """Makes an item of its own of each of some children of a parent.

    Raises:
        NotFound: There is no such parent.
        Invalid: One is none of its children.
    """
    wanted = list(dict.fromkeys(given.get("ChildProductIDList", ())))

    def act(unit: Unit) -> None:
        found = meant(unit, int(key[0]), write)
        children = {one.entity for one in found.product.variants} if found.entity.variant is None else set()
        for id in wanted:
            if id not in children:
                raise Invalid({"ChildProductIDList": [f"{id} is no child of {found.entity.id}."]})
        handles: set[str] = set()

        def make(product: Product, variant: Variant) -> Product:
            handle = free_handle(unit, variant.sku or f"{product.handle}-{variant.entity}", handles)
            handles.add(handle)
            title = variant.fields.get("title", product.fields.get("title"))
            return replace(product, handle=handle, fields=merged(product.fields, {"title": title}))

        operations.split_off(found.product.id, wanted, make, write.by)

    if wanted:
        in_one(act)
