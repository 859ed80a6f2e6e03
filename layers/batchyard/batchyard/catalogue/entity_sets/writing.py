"""Which of the catalogue's entity sets are written, and by what."""

from collections.abc import Mapping

from batchyard.catalogue.entity_sets import actions, model, parts, products
from batchyard.odata.sets import NOT_WRITTEN, Writable


def writable(name: str) -> Writable:
    """How an entity set is written."""
    return _WRITABLE.get(name, NOT_WRITTEN)


_WRITABLE: Mapping[str, Writable] = {
    "Products": Writable(
        products.create,
        products.change,
        products.remove,
        {
            model.UPDATE_QUANTITY.name: actions.update_quantity,
            model.UPDATE_ATTRIBUTES.name: actions.update_attributes,
            model.REMOVE_CHILDREN.name: actions.remove_children,
        },
        frozenset({"Attributes", "BundleComponents"}),
    ),
    "AttributeValues": Writable(parts.create_attribute, parts.ATTRIBUTE.change, parts.ATTRIBUTE.remove),
    "ProductLabels": Writable(None, parts.LABEL.change, parts.LABEL.remove),
    "ProductBundleComponents": Writable(None, parts.COMPONENT.change, parts.COMPONENT.remove),
    "Images": Writable(None, parts.change_image, parts.remove_image),
    "DCQuantities": Writable(None, parts.change_quantity, parts.remove_quantity),
}
