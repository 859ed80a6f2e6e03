"""Which dialect a path is spoken to in, for whoever answers in the place of its routes."""

from batchyard.http import coded, drf, typed
from batchyard.http.app import Dialect

_TYPED = frozenset({"auth", "batch-jobs", "products", "uploads"})


def of_path(path: str) -> Dialect:
    """The dialect of the family that a path is nearest to."""
    _, first, second, *_ = (*path.split("/"), "", "")
    if first == "admin" and second in _TYPED:
        return typed
    return coded if first in {"admin", "public"} else drf
