"""Values with others over them: null removes one."""

from collections.abc import Iterable, Mapping
from typing import Any

from batchyard.errors import Invalid
from batchyard.odata.payload import each, required
from batchyard.odata.sets import Given


def merged(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them; null removes one."""
    return {name: value for name, value in {**before, **values}.items() if value is not None}


def attributes_of(given: Given) -> list[tuple[str, str | None]]:
    """The names and values of the attributes in a body.

    Raises:
        Invalid: One has no name, or none that could be its value: null removes it, nothing is a slip.
    """

    def named(one: Given) -> tuple[str, str | None]:
        required(one, "Name")
        if not one["Name"]:
            raise Invalid({"Name": ["Name is required."]})
        if "Value" not in one:
            raise Invalid({"Value": ["Value is required."]})
        return one["Name"], one["Value"]

    return each("Attributes", given.get("Attributes", ()), named)


def merged_attributes(before: Mapping[str, str], given: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Attributes with others over them; null removes one.

    Raises:
        Invalid: One has two values.
    """
    values: dict[str, str | None] = {}
    for name, value in given:
        if values.setdefault(name, value) != value:
            raise Invalid({"Attributes": [f"{name} stands there with two values."]})
    return merged(before, values)
