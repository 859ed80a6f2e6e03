"""The headers that make a request conditional, as the document describes them of every family."""

from typing import Any

from batchyard.http.preconditions import LONGEST

_TOLD = {
    "If-Match": "Only if it has one of these entity tags; `*`: if it is there",
    "If-None-Match": "Only if it has none of these entity tags; `*`: if it is not there",
}


def parameter(name: str) -> dict[str, Any]:
    """One of these headers as a parameter."""
    schema = {"type": "string", "maxLength": LONGEST}
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": _TOLD[name]}
