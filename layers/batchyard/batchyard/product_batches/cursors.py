"""Cursors of lists of batches: where the next page begins, as text for its URL."""

import base64
import binascii
import json
from typing import Any

from batchyard.errors import Invalid


def encode(*parts: str) -> str:
    """A cursor that holds these parts."""
    position = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode(cursor: str) -> Any:
    """What a cursor holds; None where it is none at all. It is the client's: whoever reads it looks at its form."""
    try:
        return json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None


def refused() -> Invalid:
    """The refusal of a cursor that leads nowhere in its list."""
    return Invalid({"cursor": ["It is none that an answer gave."]})
