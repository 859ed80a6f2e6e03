"""JSON as the service writes it.

What is answered of a thing is told by its `to_answer`, as `dumps` takes it. Where it is kept as JSON, or is too much to
be made twice, `to_json` tells it as text.
"""

import json
from typing import Any

# `json.dumps` makes one anew at each call, which takes longer than writing something short.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(value: Any) -> str:
    """Compact JSON, non-ASCII characters as they are."""
    return _ENCODER.encode(value)
