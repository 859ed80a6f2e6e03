"""Images as OData places them: the n-th of a product is `ITEMIMAGEURLn`, others have names of their own. Pure.

A number that stands behind a gap is kept as a name of its own until the gap is filled.
"""

import re
from collections.abc import Mapping

from batchyard.catalogue.rules import Own, Product

PREFIX = "ITEMIMAGEURL"
_OF_PRODUCT = re.compile(rf"{PREFIX}([1-9][0-9]{{0,3}})")


def is_of_product(name: str) -> bool:
    """Whether a placement is one of the product's images, in their order."""
    return _OF_PRODUCT.fullmatch(name) is not None


def of(product: Product, own: Own) -> dict[str, str]:
    """The URLs of all images by their placements."""
    return {**own.placements, **{f"{PREFIX}{place}": url for place, url in enumerate(product.images, 1)}}


def split(shown: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The product's images in order, and the others by their placements."""
    left = dict(shown)
    in_order: list[str] = []
    while (url := left.pop(f"{PREFIX}{len(in_order) + 1}", None)) is not None:
        in_order.append(url)
    return tuple(in_order), left


def without(shown: Mapping[str, str], name: str) -> dict[str, str]:
    """The images without one; of the product's, those behind it move up."""
    if not is_of_product(name):
        return {one: url for one, url in shown.items() if one != name}
    in_order, left = split(shown)
    place = int(name.removeprefix(PREFIX)) - 1
    if place >= len(in_order):
        # Behind a gap it is a name of its own.
        return {one: url for one, url in shown.items() if one != name}
    moved = [*in_order[:place], *in_order[place + 1 :]]
    return {**left, **{f"{PREFIX}{number}": url for number, url in enumerate(moved, 1)}}
