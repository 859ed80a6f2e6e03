"""What a sales channel is."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Channel:
    """A sales channel.

    Args:
        pk: Its primary key.
        name: What people call it.
        is_active: Batch requests can be opened.
        stale_after: Seconds without progress after which its batch requests fail; None for never.
    """

    pk: int
    name: str
    is_active: bool = True
    stale_after: int | None = None

    def to_answer(self) -> dict[str, Any]:
        """It as it is answered."""
        return asdict(self)
