"""What a refusal repeats of a request: a little of it, however much was sent."""

from typing import Any

LONGEST = 100
"""Characters of what is repeated."""


def echo(given: Any, longest: int = LONGEST) -> str:
    """What a client sent as an answer repeats it: its beginning, where it is long."""
    text = given if isinstance(given, str) else str(given)
    return text if len(text) <= longest else f"{text[:longest]}…"
