"""What a sales channel is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Channel:
    """A sales channel.

    Args:
        pk: Its primary key.
        name: What people call it.
        is_active: Batch requests can be opened.
        stale_after: Seconds without progress after which its batch requests fail; None for never.
        made: When it was made, in microseconds since the Unix epoch; 0 for one of which that was not kept.
    """

    pk: int
    name: str
    is_active: bool = True
    stale_after: int | None = None
    made: int = 0

    def to_answer(self) -> dict[str, Any]:
        """It as it is answered."""
        return {"pk": self.pk, "name": self.name, "is_active": self.is_active, "stale_after": self.stale_after}
