"""Values with others over them: null removes one."""

from collections.abc import Iterable, Mapping
from typing import Any

from batchyard.errors import Invalid


def merged(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them; null removes one."""
    return {name: value for name, value in {**before, **values}.items() if value is not None}


def merged_attributes(before: Mapping[str, str], given: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    """Attributes with others over them; null removes one.

    Raises:
        Invalid: One has no name, or two values.
    """
    values: dict[str, str | None] = {}
    for name, value in given:
        if not name:
            raise Invalid({"Name": ["Name is required."]})
        if values.setdefault(name, value) != value:
            raise Invalid({"Attributes": [f"{name} stands there with two values."]})
    return merged(before, values)
