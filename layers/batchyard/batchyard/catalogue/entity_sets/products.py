"""How OData products are made, changed and removed: each call is one unit of work over product, variant and entity.

What a product has once is written through the product itself, or its only variant; sent to a child, the same value is
passed over, and another one refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from batchyard import clock, ulids
from batchyard.catalogue import operations, repository
from batchyard.catalogue.entity_sets import model
from batchyard.catalogue.entity_sets.found import Found, find, meant, row_of
from batchyard.catalogue.entity_sets.names import ENUMERATIONS, OF_ENTITY, OF_PRODUCT
from batchyard.catalogue.entity_sets.rows import Row
from batchyard.catalogue.entity_sets.skus import DuplicateSku, free_handle, must_be_free
from batchyard.catalogue.entity_sets.values import attributes_of, merged, merged_attributes
from batchyard.catalogue.rules import DRAFT, Own, Product, Variant
from batchyard.errors import Invalid
from batchyard.http.preconditions import UNCONDITIONAL
from batchyard.odata.payload import each, required
from batchyard.odata.sets import Given, Key, Write
from batchyard.store.unit import Unit, in_one, transact

_NUMBERS = {"Flag": model.FLAG.members, "BundleType": model.BUNDLE.members}


_OF_VARIANT = {"Title": "title", "HarmonizedCode": "hs_code"}


class _Fresh(NamedTuple):
    """The IDs of what is about to be made.

    Attributes:
        product: Of a product.
        variant: Of a variant.
    """

    product: str
    variant: str

    def made(self, unit: Unit, sku: str) -> int | None:
        """The integer ID of what was made already under them."""
        product = repository.get(unit, self.product)
        if product is not None:
            return product.entities[0]
        holder = repository.sku_holder(unit, sku)
        found = None if holder is None or holder[1] != self.variant else repository.get(unit, holder[0])
        if found is None:
            return None
        return next(one.entity for one in found.variants if one.id == self.variant)


def create(given: Given, write: Write) -> Row:
    """Makes a product, or a child of one.

    Raises:
        DuplicateSku: Another product is called so.
        Invalid: It cannot be.
    """
    required(given, "Sku")
    now = clock.now()
    fresh = _Fresh(f"prod_{ulids.new(now)}", f"variant_{ulids.new(now)}")

    def act(unit: Unit) -> Row:
        made = fresh.made(unit, given["Sku"]) if unit.attempt > 1 else None
        if made is not None:
            # An earlier try was written, and its answer got lost.
            return row_of(unit, made)
        must_be_free(unit, given["Sku"])
        make = _new_product if given.get("ParentProductID") is None else _new_child
        id = make(unit, given, fresh, write)
        own = _own_of(given, Own())
        names = attributes_of(given)
        components = _components(unit, given.get("BundleComponents", ()))
        own = replace(own, attributes=merged_attributes(own.attributes, names), components=components)
        operations.change_entity(id, lambda _: own, write.by)
        return row_of(unit, id)

    return _with_one_name(act)


def change(key: Key, given: Given, write: Write) -> None:
    """Changes a product; what is not given stays.

    Raises:
        NotFound: There is none.
        PreconditionFailed: It is not the one that the caller means.
        DuplicateSku: Another product is called so.
        Invalid: It cannot be like that.
    """
    id = int(key[0])

    def act(unit: Unit) -> None:
        found = meant(unit, id, write)
        _must_stay(found, given)
        if "Sku" in given:
            _rename(unit, found, given["Sku"], write)
        _change_product(found, given, write)
        _change_own(unit, id, given, write)
        if given.get("CopyToChildren") and found.entity.variant is None:
            for child in found.product.variants:
                _change_own(unit, child.entity, given, write)

    _with_one_name(act)


def remove(key: Key, write: Write) -> None:
    """Removes a product: an item or a parent with all that is its own, a child alone.

    Raises:
        NotFound: There is none.
        PreconditionFailed: It is not the one that the caller means.
        InBundle: It is a component of a bundle.
    """
    id = int(key[0])
    found = transact(lambda unit: meant(unit, id, write))
    if not found.is_child:
        conditional = write.preconditions != UNCONDITIONAL
        operations.remove(found.product.id, version=found.product.version if conditional else None)
        return

    def act(unit: Unit) -> None:
        child = meant(unit, id, write)
        left = tuple(one for one in child.product.variants if one.entity != id)
        operations.update(child.product.id, lambda product: replace(product, variants=left), write.by)

    in_one(act)


def _with_one_name[T](act: Callable[[Unit], T]) -> T:
    """Does something in one unit; raises `DuplicateSku` where somebody else has taken the name meanwhile."""
    try:
        return in_one(act)
    except repository.Taken as taken:
        if taken.kind == "ID":
            raise
        raise DuplicateSku(taken.value) from None


def _new_product(unit: Unit, given: Given, fresh: _Fresh, write: Write) -> int:
    is_parent = bool(given.get("IsParent"))
    sku = str(given["Sku"])
    handle = sku if is_parent else free_handle(unit, sku)
    if repository.find(unit, handle) is not None:
        raise DuplicateSku(sku)
    fields = _product_fields(given, {})
    if given.get("Title") is not None:
        fields["title"] = given["Title"]
    own = {"sku": sku} | ({"hs_code": given["HarmonizedCode"]} if given.get("HarmonizedCode") is not None else {})
    if is_parent and "hs_code" in own:
        fields["hs_code"] = own["hs_code"]
    variants = () if is_parent else (Variant(fresh.variant, 0, own),)
    new = Product(
        fresh.product, handle, DRAFT, 0, 0, write.by, parent=0 if is_parent else None, fields=fields, variants=variants
    )
    made = operations.create(new, write.by)
    return made.parent if made.parent is not None else made.variants[0].entity


def _new_child(unit: Unit, given: Given, fresh: _Fresh, write: Write) -> int:
    parent = int(given["ParentProductID"])
    entity = repository.get_entity(unit, parent)
    if entity is None or entity.variant is not None:
        raise Invalid({"ParentProductID": [f"There is no parent {parent}."]})
    found = find(unit, parent)
    if given.get("IsParent"):
        raise Invalid({"IsParent": ["A child is no parent."]})
    _must_be_the_parents(found.product, given)
    fields = {"sku": given["Sku"]}
    fields |= {name: given[shown] for shown, name in _OF_VARIANT.items() if given.get(shown) is not None}
    chosen = {str(one.get("Name")).casefold(): one.get("Value") for one in given.get("Attributes", ())}
    options = tuple(chosen.get(title.casefold()) for title in found.product.options)
    variant = Variant(fresh.variant, 0, fields, options=options)
    made = operations.update(
        found.product.id, lambda product: replace(product, variants=(*product.variants, variant)), write.by
    )
    return made.variants[-1].entity


def _must_be_the_parents(product: Product, given: Given) -> None:
    """Raises `Invalid` where a child is given another value than its parent has of what a product has once."""
    for name, field in OF_PRODUCT.items():
        if name in given and (given[name] or None) != (product.fields.get(field) or None):
            raise Invalid({name: [f"{name} is the product's: write it to the parent, {product.parent}."]})


def _must_stay(found: Found, given: Given) -> None:
    """Raises `Invalid` for what a product cannot become."""
    parent = found.product.parent if found.entity.variant is not None else None
    if given.get("ParentProductID", parent) != parent:
        raise Invalid({"ParentProductID": ["A product that is there does not change its parent."]})
    is_parent = found.entity.variant is None
    if given.get("IsParent") not in {None, is_parent}:
        if not is_parent:
            raise Invalid({"IsParent": ["A product is made as a parent, or becomes one by options or a second child."]})
        if found.product.options or len(found.product.variants) != 1:
            raise Invalid({"IsParent": ["Only a parent without options and with one child becomes an item."]})
    if found.is_child:
        _must_be_the_parents(found.product, given)


def _rename(unit: Unit, found: Found, sku: str | None, write: Write) -> None:
    current = found.entity.sku if found.entity.variant is not None else found.product.handle
    if sku in {current, f"{current}#{found.entity.id}"}:
        return
    if not sku:
        raise Invalid({"Sku": ["Sku is required."]})
    must_be_free(unit, sku)
    if found.entity.variant is not None:
        _change_variant(found, {"sku": sku}, write)
        return
    if repository.find(unit, sku) is not None:
        raise DuplicateSku(sku)
    operations.update(found.product.id, lambda product: replace(product, handle=sku), write.by)


def _change_product(found: Found, given: Given, write: Write) -> None:
    """Changes what is the product's or the variant's."""
    of_variant = {name: given[shown] for shown, name in _OF_VARIANT.items() if shown in given}
    of_product: dict[str, Any] = {}
    if not found.is_child:
        of_product = {field: given[name] for name, field in OF_PRODUCT.items() if name in given}
        if "title" in of_variant:
            of_product["title"] = of_variant.pop("title")
        if found.entity.variant is None and "hs_code" in of_variant:
            of_product["hs_code"] = of_variant.pop("hs_code")
    if of_product:
        operations.update(
            found.product.id,
            lambda product: replace(product, fields=merged(product.fields, of_product)),
            write.by,
        )
    if of_variant:
        _change_variant(found, of_variant, write)
    if given.get("IsParent") is False and found.entity.variant is None:
        operations.update(found.product.id, lambda product: replace(product, parent=None), write.by)


def _change_variant(found: Found, values: Mapping[str, Any], write: Write) -> None:
    def revise(product: Product) -> Product:
        variants = (
            replace(one, fields=merged(one.fields, values)) if one.entity == found.entity.id else one
            for one in product.variants
        )
        return replace(product, variants=tuple(variants))

    operations.update(found.product.id, revise, write.by)


def _product_fields(given: Given, before: Mapping[str, Any]) -> dict[str, Any]:
    return merged(before, {field: given[name] for name, field in OF_PRODUCT.items() if name in given})


def _change_own(unit: Unit, id: int, given: Given, write: Write) -> None:
    """Changes what an entity stores itself, where it shows something else: much that is not stored is shown, too."""
    shown = find(unit, id).row
    other = {name: given[name] for name in (*OF_ENTITY, *ENUMERATIONS) if name in given and given[name] != shown[name]}
    operations.change_entity(id, lambda own: _own_of(other, own), write.by)


def _own_of(given: Given, own: Own) -> Own:
    """What an entity stores itself, with what is given of it."""
    values = {field: given[name] for name, field in OF_ENTITY.items() if name in given}
    for name, field in ENUMERATIONS.items():
        if given.get(name) is not None:
            values[field] = _NUMBERS[name][given[name]] or None
    return replace(own, fields=merged(own.fields, values))


def _components(unit: Unit, given: Iterable[Given]) -> dict[int, int]:
    """The components of a bundle, named by their IDs or SKUs."""
    found: dict[int, int] = {}

    def place(one: Given) -> None:
        id = one.get("ComponentID") or one.get("ProductID")
        if id is None:
            required(one, "ComponentSku")
            id = _id_of_sku(unit, one["ComponentSku"])
        if int(id) in found:
            raise Invalid({"BundleComponents": [f"The product {id} stands there twice."]})
        found[int(id)] = int(one.get("Quantity", 1))

    each("BundleComponents", given, place)
    return found


def _id_of_sku(unit: Unit, sku: str) -> int:
    holder = repository.sku_holder(unit, sku)
    product = None if holder is None else repository.get(unit, holder[0])
    if holder is None or product is None:
        if (named := repository.find(unit, sku)) is not None and named.parent is not None:
            raise Invalid({"ComponentSku": [f"{sku} is a parent; components are its children."]})
        raise Invalid({"ComponentSku": [f"There is no product with the Sku {sku}."]})
    return next(one.entity for one in product.variants if one.id == holder[1])
