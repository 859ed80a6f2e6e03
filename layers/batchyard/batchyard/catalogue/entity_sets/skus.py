"""What OData products are called: SKUs of variants and handles of parents are one name space."""

from collections.abc import Collection
from itertools import count

from batchyard.catalogue import repository
from batchyard.errors import Invalid
from batchyard.store.unit import Unit


class DuplicateSku(Invalid):
    """Another product is called so."""

    def __init__(self, sku: str) -> None:
        super().__init__({"Sku": [f"There is a product with the Sku {sku}."]})
        self.code = "DuplicateSku"


def must_be_free(unit: Unit, sku: str) -> None:
    """Raises `DuplicateSku` for what a variant or a parent is called already, and `Invalid` for no name."""
    if not sku:
        raise Invalid({"Sku": ["Sku is required."]})
    repository.load(unit, skus=[sku], handles=[sku])
    parent = repository.find(unit, sku)
    if repository.sku_holder(unit, sku) is not None or (parent is not None and parent.parent is not None):
        raise DuplicateSku(sku)


def free_handle(unit: Unit, sku: str, promised: Collection[str] = ()) -> str:
    """The SKU as a handle, with a number behind it where other products have that already."""
    names = (sku if number == 1 else f"{sku}-{number}" for number in count(1))
    return next(name for name in names if name not in promised and repository.find(unit, name) is None)
