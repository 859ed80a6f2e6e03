"""A load of objects."""

import random
from typing import Any


def many(count: int, seed: int, **fields: Any) -> list[dict[str, Any]]:
    """Objects that do not compress to nothing."""
    source = random.Random(seed)
    return [
        {
            "pk": number,
            "content_type": "product",
            "remote_id": f"{source.getrandbits(96):024x}",
            "version_date": f"2026-11-{1 + number % 28:02}T02:50:19.{source.randrange(10**6):06}Z",
            **fields,
        }
        for number in range(1, count + 1)
    ]
