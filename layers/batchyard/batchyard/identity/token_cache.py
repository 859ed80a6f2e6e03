"""Tokens that were found a moment ago, for an authorizer whose answers API Gateway cannot keep.

What is kept are good tokens alone, so that no flood of wrong keys takes up memory, and a new one works at once. A
revoked one works for as long as it is kept, just as with answers that API Gateway keeps. That is told by the clock of
the wall: one that only runs on may stand still for hours while Lambda has the environment frozen.

Why: docs/decisions.md#a-kept-token-is-told-by-the-walls-clock
"""

from batchyard import clock
from batchyard.identity import repository, tokens
from batchyard.identity.rules import Token

SECONDS = 60
"""How long a token is taken for good without looking."""

MOST = 1000
"""How many of them are kept."""

_kept: dict[str, tuple[int, Token]] = {}


def find_token(key: str) -> Token | None:
    """The token of a key; None where there is none, or it has ended.

    Raises:
        Unavailable: The store did not answer.
    """
    digest, now_s = tokens.digest(key), clock.now_s()
    found_at_s, token = _kept.get(digest, (now_s, None))
    # One that was found later than now was found before the clock was put back, nobody knows how long ago.
    if token is not None and found_at_s <= now_s < found_at_s + SECONDS and not token.has_ended:
        return token
    _kept.pop(digest, None)
    token = repository.find_token(key)
    if token is not None:
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[digest] = (now_s, token)
    return token


def reset() -> None:
    """Forgets them all."""
    _kept.clear()
