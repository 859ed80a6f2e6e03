"""JSON as the service writes it."""

import json
from typing import Any


def dumps(value: Any) -> str:
    """Compact JSON, non-ASCII characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
