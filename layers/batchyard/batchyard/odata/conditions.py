"""The condition of a request in a JSON batch: `"if": "$1/$succeeded and not $2/$succeeded"` (OData JSON 4.01, 19.1)."""

import re
from collections.abc import Callable

from batchyard.errors import FailedDependency

LONGEST = 4096
"""Characters of a condition."""

_DEEPEST = 50
_TOKEN = re.compile(r"\s*(?:(\()|(\))|\$([^/\s()]+)/\$succeeded\b|(\w+)\b)")
_CONSTANTS = {"true": True, "false": False, "null": False}


class _Unreadable(Exception):
    pass


def holds(condition: object, succeeded: Callable[[str], bool]) -> bool:
    """Whether a condition holds.

    Args:
        condition: What the request says.
        succeeded: Whether the request, or the group, of an ID succeeded.

    Raises:
        FailedDependency: It is none that is understood, or names what does not stand before it.
    """
    if not isinstance(condition, str) or len(condition) > LONGEST:
        raise FailedDependency(f'"if" must be a condition of at most {LONGEST} characters.')
    reader = _Reader(condition, succeeded)
    try:
        return reader.read()
    except _Unreadable:
        raise FailedDependency(
            f'"if" cannot be read from character {reader.position + 1} on: it has $<id>/$succeeded, and, or, not, '
            "true, false, null and brackets."
        ) from None


class _Reader:
    """Reads a condition and evaluates it in one go; all of it, so that a mistake behind an `or` is told, too."""

    def __init__(self, text: str, succeeded: Callable[[str], bool]) -> None:
        self.position = 0
        self._text = text.rstrip()
        self._succeeded = succeeded

    def read(self) -> bool:
        value = self._any(0)
        if self.position != len(self._text):
            raise _Unreadable
        return value

    def _any(self, depth: int) -> bool:
        value = self._all(depth)
        while self._word("or"):
            value = self._all(depth) or value
        return value

    def _all(self, depth: int) -> bool:
        value = self._one(depth)
        while self._word("and"):
            value = self._one(depth) and value
        return value

    def _one(self, depth: int) -> bool:
        if depth > _DEEPEST:
            raise _Unreadable
        if self._word("not"):
            return not self._one(depth + 1)
        found = _TOKEN.match(self._text, self.position)
        if found is None or found[2]:
            raise _Unreadable
        if found[3]:
            value = self._succeeded(found[3])
        elif found[4] in _CONSTANTS:
            value = _CONSTANTS[found[4]]
        elif found[4]:
            raise _Unreadable
        self.position = found.end()
        if not found[1]:
            return value
        value = self._any(depth + 1)
        closing = _TOKEN.match(self._text, self.position)
        if closing is None or not closing[2]:
            raise _Unreadable
        self.position = closing.end()
        return value

    def _word(self, word: str) -> bool:
        found = _TOKEN.match(self._text, self.position)
        if found is None or found[4] != word:
            return False
        self.position = found.end()
        return True
