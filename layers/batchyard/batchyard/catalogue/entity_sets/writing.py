"""How the catalogue's entity sets are written: each call is one unit of work over product, variant and entity.

What a product has once is written through the product itself, or its only variant; sent to a child, the same value is
passed over, and another one refused.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from batchyard import clock, ulids
from batchyard.catalogue import entities, operations, repository
from batchyard.catalogue.entity_lists import Seen
from batchyard.catalogue.entity_sets import images, model
from batchyard.catalogue.entity_sets.names import ENUMERATIONS, OF_ENTITY, OF_PRODUCT
from batchyard.catalogue.entity_sets.reading import tag
from batchyard.catalogue.entity_sets.rows import ProductRow, Row, Rows
from batchyard.catalogue.rules import DRAFT, Entity, Own, Product, Variant
from batchyard.errors import Invalid, NotFound
from batchyard.http.preconditions import UNCONDITIONAL
from batchyard.odata.payload import required
from batchyard.odata.sets import Given, Key, Writable, Write
from batchyard.store.unit import Unit, in_one, transact

_NUMBERS = {"Flag": model.FLAG.members, "BundleType": model.BUNDLE.members}
_CHILD_IMAGES = "Images are the product's: write them to the parent, {parent}."


def writable(name: str) -> Writable:
    """How an entity set is written."""
    return _WRITABLE.get(name, Writable())


class DuplicateSku(Invalid):
    """Another product is called so."""

    def __init__(self, sku: str) -> None:
        super().__init__({"Sku": [f"There is a product with the Sku {sku}."]})
        self.code = "DuplicateSku"


# Products.


class _Found(NamedTuple):
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
    def variant(self) -> Variant | None:
        """The variant that it is; None for a parent."""
        return next((one for one in self.product.variants if one.entity == self.entity.id), None)

    @property
    def is_child(self) -> bool:
        """Whether it is a child of a parent."""
        return self.entity.variant is not None and self.product.parent is not None


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
            return _row(unit, made)
        _must_be_free(unit, given["Sku"])
        make = _new_product if given.get("ParentProductID") is None else _new_child
        id = make(unit, given, fresh, write)
        own = _own_of(given, Own())
        names = [(one.get("Name"), one.get("Value")) for one in given.get("Attributes", ())]
        components = _components(unit, given.get("BundleComponents", ()))
        own = replace(own, attributes=_attributes(own.attributes, names), components=components)
        operations.change_entity(id, lambda _: own, write.by)
        return _row(unit, id)

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
        found = _find(unit, id)
        write.must_hold(_own_tag(found))
        _must_stay(found, given)
        if "Sku" in given:
            _rename(unit, found, given["Sku"], write)
        _change_product(found, given, write)
        operations.change_entity(id, lambda own: _own_of(given, own), write.by)
        if given.get("CopyToChildren") and found.entity.variant is None:
            for child in found.product.variants:
                operations.change_entity(child.entity, lambda own: _own_of(given, own), write.by)

    _with_one_name(act)


def _with_one_name[T](act: Callable[[Unit], T]) -> T:
    """Does something in one unit; raises `DuplicateSku` where somebody else has taken the name meanwhile."""
    try:
        return in_one(act)
    except repository.Taken as taken:
        raise DuplicateSku(taken.value) from None


def remove(key: Key, write: Write) -> None:
    """Removes a product: an item or a parent with all that is its own, a child alone.

    Raises:
        NotFound: There is none.
        PreconditionFailed: It is not the one that the caller means.
        InBundle: It is a component of a bundle.
    """
    id = int(key[0])
    found = transact(lambda unit: _find(unit, id))
    write.must_hold(_own_tag(found))
    if not found.is_child:
        conditional = write.preconditions != UNCONDITIONAL
        operations.remove(found.product.id, version=found.product.version if conditional else None)
        return

    def act(unit: Unit) -> None:
        child = _find(unit, id)
        write.must_hold(_own_tag(child))
        left = tuple(one for one in child.product.variants if one.entity != id)
        operations.update(child.product.id, lambda product: replace(product, variants=left), write.by)

    in_one(act)


def _find(unit: Unit, id: int) -> _Found:
    entity = repository.get_entity(unit, id)
    product = None if entity is None else repository.get(unit, entity.product)
    if entity is None or product is None or id not in product.entities:
        raise NotFound(f"There is no Product ({id}).")
    return _Found(entity, product, entities.own(unit, entity))


def _row(unit: Unit, id: int) -> Row:
    """A product as a unit will leave it."""
    found = _find(unit, id)
    components = {one: repository.get_entity(unit, one) for one in found.own.components}
    there = {one: entity for one, entity in components.items() if entity is not None}
    shadowed = found.product.parent is not None and repository.sku_holder(unit, found.product.handle) is not None
    return ProductRow(Seen(found.entity, found.product, found.own, shadowed, there), Rows(found.product.entities))


def _own_tag(found: _Found) -> str | None:
    shown = tag(ProductRow(Seen(found.entity, found.product, found.own), Rows(())))
    return None if shown is None else shown.own


def _must_be_free(unit: Unit, sku: str) -> None:
    if not sku:
        raise Invalid({"Sku": ["Sku is required."]})
    repository.load(unit, skus=[sku], handles=[sku])
    parent = repository.find(unit, sku)
    if repository.sku_holder(unit, sku) is not None or (parent is not None and parent.parent is not None):
        raise DuplicateSku(sku)


def _new_product(unit: Unit, given: Given, fresh: _Fresh, write: Write) -> int:
    is_parent = bool(given.get("IsParent"))
    sku = str(given["Sku"])
    handle = sku if is_parent else _free_handle(unit, sku)
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


def _free_handle(unit: Unit, sku: str, promised: Collection[str] = ()) -> str:
    """The SKU as a handle, with a number behind it where other products have that already."""
    names = (sku if number == 1 else f"{sku}-{number}" for number in count(1))
    return next(name for name in names if name not in promised and repository.find(unit, name) is None)


def _new_child(unit: Unit, given: Given, fresh: _Fresh, write: Write) -> int:
    parent = int(given["ParentProductID"])
    entity = repository.get_entity(unit, parent)
    if entity is None or entity.variant is not None:
        raise Invalid({"ParentProductID": [f"There is no parent {parent}."]})
    found = _find(unit, parent)
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
        if name in given and (given[name] or None) != product.fields.get(field):
            raise Invalid({name: [f"{name} is the product's: write it to the parent, {product.parent}."]})


def _must_stay(found: _Found, given: Given) -> None:
    """Raises `Invalid` for what a product cannot become."""
    parent = found.product.parent if found.entity.variant is not None else None
    if given.get("ParentProductID", parent) != parent:
        raise Invalid({"ParentProductID": ["A product that is there does not change its parent."]})
    is_parent = found.entity.variant is None
    if given.get("IsParent") not in {None, is_parent}:
        few = not found.product.options and len(found.product.variants) == 1
        if not is_parent or not few:
            raise Invalid({"IsParent": ["Only a parent without options and with one child becomes an item."]})
    if found.is_child:
        _must_be_the_parents(found.product, given)


def _rename(unit: Unit, found: _Found, sku: str | None, write: Write) -> None:
    current = found.entity.sku if found.entity.variant is not None else found.product.handle
    if sku in {current, f"{current}#{found.entity.id}"}:
        return
    if not sku:
        raise Invalid({"Sku": ["Sku is required."]})
    _must_be_free(unit, sku)
    if found.entity.variant is not None:
        _change_variant(found, {"sku": sku}, write)
        return
    if repository.find(unit, sku) is not None:
        raise DuplicateSku(sku)
    operations.update(found.product.id, lambda product: replace(product, handle=sku), write.by)


_OF_VARIANT = {"Title": "title", "HarmonizedCode": "hs_code"}


def _change_product(found: _Found, given: Given, write: Write) -> None:
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
            lambda product: replace(product, fields=_merged(product.fields, of_product)),
            write.by,
        )
    if of_variant:
        _change_variant(found, of_variant, write)
    if given.get("IsParent") is False and found.entity.variant is None:
        operations.update(found.product.id, lambda product: replace(product, parent=None), write.by)


def _change_variant(found: _Found, values: Mapping[str, Any], write: Write) -> None:
    def revise(product: Product) -> Product:
        variants = (
            replace(one, fields=_merged(one.fields, values)) if one.entity == found.entity.id else one
            for one in product.variants
        )
        return replace(product, variants=tuple(variants))

    operations.update(found.product.id, revise, write.by)


def _product_fields(given: Given, before: Mapping[str, Any]) -> dict[str, Any]:
    return _merged(before, {field: given[name] for name, field in OF_PRODUCT.items() if name in given})


def _own_of(given: Given, own: Own) -> Own:
    """What an entity stores itself, with what is given of it."""
    values = {field: given[name] for name, field in OF_ENTITY.items() if name in given}
    for name, field in ENUMERATIONS.items():
        if given.get(name) is not None:
            values[field] = _NUMBERS[name][given[name]] or None
    return replace(own, fields=_merged(own.fields, values))


def _merged(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them; null removes one."""
    return {name: value for name, value in {**before, **values}.items() if value is not None}


def _components(unit: Unit, given: Iterable[Given]) -> dict[int, int]:
    """The components of a bundle, named by their IDs or SKUs."""
    found: dict[int, int] = {}
    for one in given:
        id = one.get("ComponentID") or one.get("ProductID")
        if id is None:
            required(one, "ComponentSku")
            id = _id_of_sku(unit, one["ComponentSku"])
        found[int(id)] = int(one.get("Quantity", 1))
    return found


def _id_of_sku(unit: Unit, sku: str) -> int:
    holder = repository.sku_holder(unit, sku)
    product = None if holder is None else repository.get(unit, holder[0])
    if holder is None or product is None:
        raise Invalid({"ComponentSku": [f"There is no product with the Sku {sku}."]})
    return next(one.entity for one in product.variants if one.id == holder[1])


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
    for update in given.get("Updates", ()):
        required(update, "DistributionCenterID", "Quantity")
        centre = update["DistributionCenterID"]
        if centre in quantities:
            raise Invalid({"Updates": [f"The distribution centre {centre} stands there twice."]})
        quantities[centre] = update["Quantity"]

    id, relative, complete = int(key[0]), kind == "Relative", bool(given.get("CompleteDCList"))

    def act(unit: Unit) -> None:
        if write.preconditions != UNCONDITIONAL:
            # Else the product need not be read.
            write.must_hold(_own_tag(_find(unit, id)))
        operations.set_quantities(id, quantities, write.by, relative=relative, complete=complete)

    in_one(act)


def update_attributes(key: Key, given: Given, write: Write) -> None:
    """Sets attributes of a product; those that are not named stay.

    Raises:
        NotFound: There is no such product.
        Invalid: It cannot have them.
    """
    names = [(one.get("Name"), one.get("Value")) for one in given.get("Attributes", ())]
    _change_own(key, write, lambda own: replace(own, attributes=_attributes(own.attributes, names)))


def remove_children(key: Key, given: Given, write: Write) -> None:
    """Makes an item of its own of each of some children of a parent.

    Raises:
        NotFound: There is no such parent.
        Invalid: One is none of its children.
    """
    wanted = list(dict.fromkeys(given.get("ChildProductIDList", ())))

    def act(unit: Unit) -> None:
        found = _find(unit, int(key[0]))
        write.must_hold(_own_tag(found))
        children = {one.entity for one in found.product.variants} if found.entity.variant is None else set()
        for id in wanted:
            if id not in children:
                raise Invalid({"ChildProductIDList": [f"{id} is no child of {found.entity.id}."]})
        handles: set[str] = set()

        def make(product: Product, variant: Variant) -> Product:
            handle = _free_handle(unit, variant.sku or f"{product.handle}-{variant.entity}", handles)
            handles.add(handle)
            title = variant.fields.get("title", product.fields.get("title"))
            return replace(product, handle=handle, fields=_merged(product.fields, {"title": title}))

        operations.split_off(found.product.id, wanted, make, write.by)

    if wanted:
        in_one(act)


def _change_own(key: Key, write: Write, revise: Callable[[Own], Own]) -> None:
    def act(unit: Unit) -> None:
        found = _find(unit, int(key[0]))
        write.must_hold(_own_tag(found))
        operations.change_entity(found.entity.id, revise, write.by)

    in_one(act)


def _attributes(before: Mapping[str, str], given: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    """Attributes with others over them; null removes one."""
    found = dict(before)
    for name, value in given:
        if not name:
            raise Invalid({"Name": ["Name is required."]})
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return found


# What belongs to products.


class _Part(NamedTuple):
    """What belongs to a product and is named by the second part of its key.

    Attributes:
        has: Whether it is there.
        put: What the entity stores with it.
        without: What the entity stores without it.
    """

    has: Callable[[Own, Any], bool]
    put: Callable[[Own, Any, Given], Own]
    without: Callable[[Own, Any], Own]

    def change(self, key: Key, given: Given, write: Write) -> None:
        """Makes or changes it."""
        id, name = int(key[0]), key[1]

        def act(unit: Unit) -> None:
            found = _find(unit, id)
            write.must_hold(_own_tag(found) if self.has(found.own, name) else None)
            operations.change_entity(id, lambda own: self.put(own, name, given), write.by)

        in_one(act)

    def remove(self, key: Key, write: Write) -> None:
        """Removes it.

        Raises:
            NotFound: It is not there.
        """
        id, name = int(key[0]), key[1]

        def act(unit: Unit) -> None:
            found = _find(unit, id)
            if not self.has(found.own, name):
                raise NotFound
            unit.once = True
            write.must_hold(_own_tag(found))
            operations.change_entity(id, lambda own: self.without(own, name), write.by)

        in_one(act)


def _put_attribute(own: Own, name: Any, given: Given) -> Own:
    if "Value" not in given:
        raise Invalid({"Value": ["Value is required."]})
    _must_be_short("Name", str(name), model.LONGEST_ATTRIBUTE_NAME)
    return replace(own, attributes=_attributes(own.attributes, [(str(name), given["Value"])]))


def _put_label(own: Own, name: Any, _: Given) -> Own:
    _must_be_short("Name", str(name), model.LONGEST_LABEL)
    return replace(own, labels=(*own.labels, str(name)))


def _put_component(own: Own, id: Any, given: Given) -> Own:
    required(given, "Quantity")
    return replace(own, components={**own.components, int(id): given["Quantity"]})


def _must_be_short(name: str, text: str, longest: int) -> None:
    """Raises `Invalid` for a name in a URL that is too long, or none."""
    if not 0 < len(text) <= longest:
        raise Invalid({name: [f"{name} has {len(text)} characters, of 1 to {longest}."]})


def _without(values: Mapping[Any, Any], name: Any) -> dict[Any, Any]:
    return {one: value for one, value in values.items() if one != name}


_ATTRIBUTE = _Part(
    lambda own, name: name in own.attributes,
    _put_attribute,
    lambda own, name: replace(own, attributes=_without(own.attributes, name)),
)
_LABEL = _Part(
    lambda own, name: name in own.labels,
    _put_label,
    lambda own, name: replace(own, labels=tuple(one for one in own.labels if one != name)),
)
_COMPONENT = _Part(
    lambda own, id: id in own.components,
    _put_component,
    lambda own, id: replace(own, components=_without(own.components, id)),
)


def create_attribute(given: Given, write: Write) -> Row:
    """Makes or changes an attribute.

    Raises:
        Invalid: There is no such product, or it cannot have it.
    """
    required(given, "ProductID", "Name", "Value")

    def act(unit: Unit) -> Row:
        id = given["ProductID"]
        entity = repository.get_entity(unit, id)
        if entity is None:
            raise Invalid({"ProductID": [f"There is no Product ({id})."]})
        _ATTRIBUTE.change((id, given["Name"]), given, write)
        attributes: list[Row] = _row(unit, id)["Attributes"]
        return next(one for one in attributes if one["Name"] == given["Name"])

    return in_one(act)


def change_quantity(key: Key, given: Given, write: Write) -> None:
    """Sets what there is of a product in a distribution centre.

    Raises:
        NotFound: There is no such product.
        Invalid: The quantity cannot be, the centre is unknown, or the product has no quantities of its own.
    """
    required(given, "AvailableQuantity")
    id, centre = int(key[0]), int(key[1])

    def act(unit: Unit) -> None:
        if write.preconditions != UNCONDITIONAL:
            found = _find(unit, id)
            write.must_hold(_own_tag(found) if centre in found.entity.quantities else None)
        operations.set_quantities(id, {centre: given["AvailableQuantity"]}, write.by)

    in_one(act)


def remove_quantity(key: Key, write: Write) -> None:
    """Takes a product out of a distribution centre.

    Raises:
        NotFound: It never was there.
    """
    id, centre = int(key[0]), int(key[1])

    def act(unit: Unit) -> None:
        found = _find(unit, id)
        if centre not in found.entity.quantities:
            raise NotFound
        write.must_hold(_own_tag(found))
        operations.forget_quantity(id, centre, write.by)

    in_one(act)


def change_image(key: Key, given: Given, write: Write) -> None:
    """Sets the URL of an image; those of the product are its images in order.

    Raises:
        NotFound: There is no such product.
        Invalid: It is a child's, or cannot be.
    """
    required(given, "Url")
    id, name = int(key[0]), str(key[1])
    _must_be_short("PlacementName", name, model.LONGEST_PLACEMENT)

    def act(unit: Unit) -> None:
        found = _find(unit, id)
        shown = images.of(found.product, found.own)
        write.must_hold(_own_tag(found) if name in shown else None)
        if shown.get(name) != given["Url"]:
            _put_images(found, {**shown, name: given["Url"]}, write, is_own=not images.is_of_product(name))

    in_one(act)


def remove_image(key: Key, write: Write) -> None:
    """Removes an image; those of the product that stand behind it move up.

    Raises:
        NotFound: There is none.
        Invalid: It is a child's.
    """
    id, name = int(key[0]), str(key[1])

    def act(unit: Unit) -> None:
        found = _find(unit, id)
        shown = images.of(found.product, found.own)
        if name not in shown:
            raise NotFound
        unit.once = True
        write.must_hold(_own_tag(found))
        _put_images(found, images.without(shown, name), write, is_own=not images.is_of_product(name))

    in_one(act)


def _put_images(found: _Found, shown: Mapping[str, str], write: Write, *, is_own: bool) -> None:
    if found.is_child and not is_own:
        raise Invalid({"Url": [_CHILD_IMAGES.format(parent=found.product.parent)]})
    in_order, placements = images.split(shown)
    if not found.is_child:
        operations.update(found.product.id, lambda product: replace(product, images=in_order), write.by)
    operations.change_entity(found.entity.id, lambda own: replace(own, placements=placements), write.by)


_WRITABLE: Mapping[str, Writable] = {
    "Products": Writable(
        create,
        change,
        remove,
        {
            model.UPDATE_QUANTITY.name: update_quantity,
            model.UPDATE_ATTRIBUTES.name: update_attributes,
            model.REMOVE_CHILDREN.name: remove_children,
        },
        frozenset({"Attributes", "BundleComponents"}),
    ),
    "AttributeValues": Writable(create_attribute, _ATTRIBUTE.change, _ATTRIBUTE.remove),
    "ProductLabels": Writable(None, _LABEL.change, _LABEL.remove),
    "ProductBundleComponents": Writable(None, _COMPONENT.change, _COMPONENT.remove),
    "Images": Writable(None, change_image, remove_image),
    "DCQuantities": Writable(None, change_quantity, remove_quantity),
}
