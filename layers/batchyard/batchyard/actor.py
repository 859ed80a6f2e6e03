"""Who brought something about, as it is stored beside it and told in events."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Actor(NamedTuple):
    """A user, by a request, or a trigger of the service; neither where it is from before anybody noted it.

    Args:
        by: The user name.
        trigger: What it is that acts by itself: `stale`, `expiry`.
    """

    by: str | None = None
    trigger: str | None = None

    def to_attributes(self) -> dict[str, str | None]:
        """It as attributes of an item, and as facts of an event; one of the two at most is not None."""
        return {"by": self.by, "trigger": self.trigger}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> "Actor":
        """What `to_attributes` gave; what is None may be absent."""
        return cls(attributes.get("by"), attributes.get("trigger"))


UNKNOWN = Actor()
"""Nobody knows."""
