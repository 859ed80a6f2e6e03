"""Values with others over them: null removes one."""

from collections.abc import Iterable, Mapping
from typing import Any

from batchyard.errors import Invalid


def merged(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them; null removes one."""
    return {name: value for name, value in {**before, **values}.items() if value is not None}


def merged_attributes(before: Mapping[str, str], given: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
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
