"""Which of the catalogue's entity sets are written, and by what."""

from collections.abc import Callable, Mapping
from functools import wraps

from batchyard.catalogue.entity_sets import actions, model, parts, products
from batchyard.catalogue.entity_sets.names import ENUMERATIONS, OF_ENTITY, OF_PARTS, OF_PRODUCT
from batchyard.errors import Invalid
from batchyard.odata.sets import NOT_WRITTEN, Writable


def writable(name: str) -> Writable:
    """How an entity set is written."""
    return _WRITABLE.get(name, NOT_WRITTEN)


_NAMES = {**{field: name for name, field in {**OF_ENTITY, **OF_PRODUCT, **ENUMERATIONS}.items()}, **OF_PARTS}


def _told[**Given, Made](act: Callable[Given, Made], quantity: str = "Quantity") -> Callable[Given, Made]:
    """A write whose refusals name what is wrong as the model does.

    Args:
        quantity: What it calls a quantity.
    """
    names = {**_NAMES, "quantity": quantity}

    @wraps(act)
    def acted(*args: Given.args, **options: Given.kwargs) -> Made:
        try:
            return act(*args, **options)
        except Invalid as error:
            fields: dict[str, list[str]] = {}
            for name, sentences in error.fields.items():
                fields.setdefault(names.get(name, name), []).extend(sentences)
            error.fields = fields
            raise

    return acted


_WRITABLE: Mapping[str, Writable] = {
    "Products": Writable(
        _told(products.create),
        _told(products.change),
        products.remove,
        {
            model.UPDATE_QUANTITY.name: _told(actions.update_quantity),
            model.UPDATE_ATTRIBUTES.name: _told(actions.update_attributes),
            model.REMOVE_CHILDREN.name: _told(actions.remove_children),
        },
        frozenset({"Attributes", "BundleComponents"}),
    ),
    "AttributeValues": Writable(_told(parts.create_attribute), _told(parts.ATTRIBUTE.change), parts.ATTRIBUTE.remove),
    "ProductLabels": Writable(None, _told(parts.LABEL.change), parts.LABEL.remove),
    "ProductBundleComponents": Writable(None, _told(parts.COMPONENT.change), parts.COMPONENT.remove),
    "Images": Writable(None, _told(parts.change_image), parts.remove_image),
    "DCQuantities": Writable(None, _told(parts.change_quantity, "AvailableQuantity"), parts.remove_quantity),
}
