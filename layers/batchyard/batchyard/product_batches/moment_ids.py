"""IDs of what happens to a batch, in the order in which it happened: its moment, and a random end."""

import secrets

PATTERN = "^[0-9a-f]{22}$"


def new(moment_us: int) -> str:
    """An ID that nothing else has, of what happened at a moment."""
    return f"{lower_bound(moment_us)}{secrets.token_hex(4)}"


def lower_bound(moment_us: int) -> str:
    """What comes before all IDs of a moment and of later ones, and behind all others."""
    return f"{moment_us:014x}"
