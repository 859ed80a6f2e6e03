"""How much a request may hold, before anything looks at what it means.

A body of 6 MB can be three million lists, each of which would be an object of Python's and a message of pydantic's. So
what a text holds is counted before it is parsed, and what is parsed is neither deep nor beyond what JSON can carry.
"""

import json
import re
from math import isfinite
from typing import Any

from batchyard.echoes import echo
from batchyard.errors import Malformed

LARGEST_REQUEST = 6 * 1024 * 1024
"""Bytes of a request (Lambda's limit on a synchronous invocation)."""

MOST_VALUES = 500_000
"""Values in a body: several times as many as its models take, and some 50 MB of Python's objects."""

DEEPEST = 50
"""Levels of what a client may nest; readers of JSON give up at some hundreds."""

# Written as a union, it would be made anew for each value.
_NESTING = (dict, list)
_OPENINGS_AND_COMMAS = ("[", "{", ",")
# Possessive, and without its end where it has none, so that each character is looked at once.
_TEXT = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def read_json(text: str, *, once: bool = False) -> Any:
    """What a JSON text says.

    Args:
        once: No object may have a member twice; else the last one counts.

    Raises:
        Malformed: It is no JSON, holds too much or is nested too deeply, or has a number that JSON cannot carry.
    """
    try:
        must_hold_few_values(text)
        # A text with a byte order mark is refused in words of its own.
        data = json.loads(text) if text.startswith("\ufeff") else (_STRICT if once else _DECODER).decode(text)
    except ValueError as error:
        # Of a number of too many digits, Python goes on with how its programmer could have more.
        raise Malformed(f"JSON parse error - {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise Malformed("JSON parse error - It is nested too deeply.") from None
    if _openings(text) > DEEPEST and is_deeper(data, DEEPEST):
        raise Malformed(f"JSON parse error - It is nested more than {DEEPEST} levels deep.")
    return data


def must_hold_few_values(text: str) -> None:
    """Raises `ValueError` for JSON of more values than a body may have. What it says is not looked at."""
    # Each value stands behind one of these; those within strings are left out where it matters.
    if _count(text) > MOST_VALUES and _count(_TEXT.sub("", text)) > MOST_VALUES:
        raise ValueError(f"It holds more than {MOST_VALUES} values.")


def object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON text; of two members of one name nobody knows which one a reader would take.

    Raises:
        ValueError: There are two.
    """
    found = dict(members)
    if len(found) != len(members):
        seen: set[str] = set()
        for name, _ in members:
            if name in seen:
                raise ValueError(f'an object has "{name[:100]}" twice')
            seen.add(name)
    return found


def finite(digits: str) -> float:
    """The number of a JSON text.

    Raises:
        ValueError: It is beyond what JSON can carry.
    """
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"Out of range float values are not JSON compliant: {echo(digits)}")
    return number


def is_deeper(value: Any, levels: int) -> bool:
    """Whether parsed JSON is nested more than so many levels deep."""
    layer = [value] if isinstance(value, _NESTING) else []
    for _ in range(levels + 1):
        layer = [
            inner
            for one in layer
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, _NESTING)
        ]
        if not layer:
            return False
    return True


def _count(text: str) -> int:
    return sum(map(text.count, _OPENINGS_AND_COMMAS))


def _openings(text: str) -> int:
    return text.count("[") + text.count("{")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"Out of range float values are not JSON compliant: {name}")


# `json.loads` makes one anew at each call, which takes longer than reading something short.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=finite)
_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=finite, object_pairs_hook=object_of)
