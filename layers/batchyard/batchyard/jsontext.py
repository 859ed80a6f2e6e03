"""JSON as the service writes it.

What is answered of a thing is told by its `to_answer`, as `dumps` takes it. Where it is kept as JSON, or is too much to
be made twice, `to_json` tells it as text.
"""

import json
from typing import Any


def dumps(value: Any) -> str:
    """Compact JSON, non-ASCII characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
