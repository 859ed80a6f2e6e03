"""Tokens that were found a moment ago, for an authorizer whose answers API Gateway cannot keep.

What is kept are good tokens alone, so that no flood of wrong keys takes up memory, and a new one works at once. A
revoked one works for as long as it is kept, just as with answers that API Gateway keeps.
"""

import time

from batchyard.identity import repository, tokens
from batchyard.identity.rules import Token

SECONDS = 60
"""How long a token is taken for good without looking."""

MOST = 1000
"""How many of them are kept."""

_kept: dict[str, tuple[float, Token]] = {}


def find_token(key: str) -> Token | None:
    """The token of a key; None where there is none, or it has ended.

    Raises:
        Unavailable: The store did not answer.
    """
    digest, now = tokens.digest(key), time.monotonic()
    until, token = _kept.get(digest, (now, None))
    if now < until and token is not None and not token.has_ended:
        return token
    _kept.pop(digest, None)
    token = repository.find_token(key)
    if token is not None:
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[digest] = (now + SECONDS, token)
    return token


def reset() -> None:
    """Forgets them all."""
    _kept.clear()
