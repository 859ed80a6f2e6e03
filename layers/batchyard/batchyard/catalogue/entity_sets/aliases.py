"""What OData calls the catalogue's things, and which of its addresses have no place in a batch."""

from collections.abc import Sequence

from batchyard.odata.urls import Segment

_PART_OF_PRODUCT = {
    "Attributes": ("AttributeValues", "Name"),
    "Images": ("Images", "PlacementName"),
    "Labels": ("ProductLabels", "Name"),
    "BundleComponents": ("ProductBundleComponents", "ComponentID"),
    "DCQuantities": ("DCQuantities", "DistributionCenterID"),
}
"""By the alias below a product: the entity set that it stands for, and the second part of its key."""

_CHANGES = frozenset({"PATCH", "PUT", "DELETE"})


def refusal_in_batches(method: str, segments: Sequence[Segment]) -> str | None:
    """Why a request has no place in a batch, and where it goes instead; None if it has."""
    if len(segments) != 2:
        return None
    first, second = segments
    if (first.name, second.name) == ("Orders", "Export"):
        return f"A batch cannot answer files. Ask for /v1/{first}/{second} by itself."
    if first.name == "Products" and second.name in _PART_OF_PRODUCT and method in _CHANGES:
        entity_set, name = _PART_OF_PRODUCT[second.name]
        key = {"ProductID": first.key_of("ID")[0], name: second.key_of(name)[0]}
        return f"In a batch, {first}/{second} goes by its own name: /v1/{Segment(entity_set, key)}."
    return None
