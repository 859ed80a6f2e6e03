"""How what belongs to OData products is written: attributes, labels, components, quantities and images."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from batchyard.catalogue import operations, repository
from batchyard.catalogue.entity_sets import images, model
from batchyard.catalogue.entity_sets.found import Found, find, own_tag, row_of
from batchyard.catalogue.entity_sets.rows import Row
from batchyard.catalogue.entity_sets.values import merged_attributes
from batchyard.catalogue.rules import Own
from batchyard.errors import Invalid, NotFound
from batchyard.http.preconditions import UNCONDITIONAL
from batchyard.odata.payload import required
from batchyard.odata.sets import Given, Key, Write
from batchyard.store.unit import Unit, in_one

_CHILD_IMAGES = "Images are the product's: write them to the parent, {parent}."


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
            found = find(unit, id)
            write.must_hold(own_tag(found) if self.has(found.own, name) else None)
            operations.change_entity(id, lambda own: self.put(own, name, given), write.by)

        in_one(act)

    def remove(self, key: Key, write: Write) -> None:
        """Removes it.

        Raises:
            NotFound: It is not there.
        """
        id, name = int(key[0]), key[1]

        def act(unit: Unit) -> None:
            found = find(unit, id)
            if not self.has(found.own, name):
                raise NotFound
            unit.once = True
            write.must_hold(own_tag(found))
            operations.change_entity(id, lambda own: self.without(own, name), write.by)

        in_one(act)


def _put_attribute(own: Own, name: Any, given: Given) -> Own:
    if "Value" not in given:
        raise Invalid({"Value": ["Value is required."]})
    _must_be_short("Name", str(name), model.LONGEST_ATTRIBUTE_NAME)
    return replace(own, attributes=merged_attributes(own.attributes, [(str(name), given["Value"])]))


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


ATTRIBUTE = _Part(
    lambda own, name: name in own.attributes,
    _put_attribute,
    lambda own, name: replace(own, attributes=_without(own.attributes, name)),
)


LABEL = _Part(
    lambda own, name: name in own.labels,
    _put_label,
    lambda own, name: replace(own, labels=tuple(one for one in own.labels if one != name)),
)


COMPONENT = _Part(
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
        ATTRIBUTE.change((id, given["Name"]), given, write)
        attributes: list[Row] = row_of(unit, id)["Attributes"]
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
            found = find(unit, id)
            write.must_hold(own_tag(found) if centre in found.entity.quantities else None)
        operations.set_quantities(id, {centre: given["AvailableQuantity"]}, write.by)

    in_one(act)


def remove_quantity(key: Key, write: Write) -> None:
    """Takes a product out of a distribution centre.

    Raises:
        NotFound: It never was there.
    """
    id, centre = int(key[0]), int(key[1])

    def act(unit: Unit) -> None:
        found = find(unit, id)
        if centre not in found.entity.quantities:
            raise NotFound
        write.must_hold(own_tag(found))
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
    _must_be_short("Url", str(given["Url"]), model.LONGEST_URL)

    def act(unit: Unit) -> None:
        found = find(unit, id)
        shown = images.of(found.product, found.own)
        write.must_hold(own_tag(found) if name in shown else None)
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
        found = find(unit, id)
        shown = images.of(found.product, found.own)
        if name not in shown:
            raise NotFound
        unit.once = True
        write.must_hold(own_tag(found))
        _put_images(found, images.without(shown, name), write, is_own=not images.is_of_product(name))

    in_one(act)


def _put_images(found: Found, shown: Mapping[str, str], write: Write, *, is_own: bool) -> None:
    if found.is_child and not is_own:
        raise Invalid({"Url": [_CHILD_IMAGES.format(parent=found.product.parent)]})
    in_order, placements = images.split(shown)
    if not found.is_child:
        operations.update(found.product.id, lambda product: replace(product, images=in_order), write.by)
    operations.change_entity(found.entity.id, lambda own: replace(own, placements=placements), write.by)
