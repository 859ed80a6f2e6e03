"""IDs of what happens to a batch, in the order in which it happened: its moment, and a random end."""

import secrets

PATTERN = "^[0-9a-f]{22}$"


def new(moment: int) -> str:
    """An ID that nothing else has.

    Args:
        moment: When it happened, in microseconds since the Unix epoch.
    """
    return f"{first_of(moment)}{secrets.token_hex(4)}"


def first_of(moment: int) -> str:
    """What comes before all IDs of a moment and of later ones, and behind all others."""
    return f"{moment:014x}"
