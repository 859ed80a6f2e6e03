"""What only one product can have: a handle, a SKU, and in one file an ID."""

from typing import NamedTuple

from batchyard.product_files.faults import DUPLICATE, RowError, quoted

HANDLE, SKU, PRODUCT = "handle", "sku", "product"

_TITLES = {HANDLE: "Product Handle", SKU: "Variant SKU", PRODUCT: "Product Id"}

TO_CHANGE_IT = 'To change the product that is there, give its Product Id, or set context.match to "handle"'
"""What may be meant by who gives the handle or a variant of a product as if it were a new one."""


class Claim(NamedTuple):
    """Something that only one product can have.

    Attributes:
        kind: `HANDLE`, `SKU`, or `PRODUCT` for the ID of a product.
        value: It.
        line: The first row of its product that claims it.
    """

    kind: str
    value: str
    line: int


def comes_twice(claim: Claim, handle: str, first: Claim, first_handle: str) -> RowError:
    """The error of a claim that an earlier row has already.

    Args:
        claim: The later one.
        handle: The handle of its product.
        first: The earlier one.
        first_handle: The handle of its product.
    """
    return _taken(claim, handle, f"is already in line {first.line} (product {quoted(first_handle)})")


def is_held(claim: Claim, handle: str, holder: str, *, is_new: bool = False) -> RowError:
    """The error of a claim that another product in the store has.

    Args:
        handle: The handle of its product.
        holder: The handle, or the ID, of the other one.
        is_new: The product would be made, so that the other one may be meant.
    """
    why = f"already belongs to another product ({quoted(holder)})"
    error = _taken(claim, handle, f"{why}. If this file takes it from that one, import in two steps")
    return error._replace(suggestion=TO_CHANGE_IT) if is_new and handle == holder else error


def is_held_by_variant(claim: Claim, handle: str, variant: str) -> RowError:
    """The error of a SKU that a variant of the same product has, of which no row takes it.

    Args:
        handle: The handle of the product.
        variant: The ID of the variant.
    """
    return _taken(claim, handle, f"already belongs to its variant {variant}")


def _taken(claim: Claim, handle: str, why: str) -> RowError:
    title = _TITLES[claim.kind]
    message = f"{title} {quoted(claim.value)} of product {quoted(handle)} {why}"
    return RowError(DUPLICATE, message, claim.line, title)
