"""How much a client wants a media type, as its `Accept` says (RFC 9110, 12.5.1)."""

import re
from typing import NamedTuple

_RANGE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


class Wish(NamedTuple):
    """What a client says of a media type.

    Args:
        weight: How much it wants it, from 0 (not at all) to 1.
        by_name: It names the type, or all of its kind (`application/*`), and does not only take anything (`*/*`).
    """

    weight: float
    by_name: bool


def wish(accept: str | None, media_type: str) -> Wish:
    """What an `Accept` says of a media type. Of all that covers it the nearest counts; without any header, all is good.

    Args:
        accept: The header; None where there is none.
        media_type: The media type, in lower case.
    """
    if not (accept or "").strip():
        return Wish(1.0, by_name=False)
    weights = _weights(accept or "")
    for name in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if name in weights:
            return Wish(weights[name], name != "*/*")
    return Wish(0.0, by_name=False)


def _weights(accept: str) -> dict[str, float]:
    """The weights of media ranges. Parameters of a type tell nothing here; of several of one the greatest counts."""
    found: dict[str, float] = {}
    for one in _RANGE.findall(accept):
        name, *parameters = (piece.strip().lower() for piece in one.split(";"))
        given = (
            value for key, _, value in (parameter.partition("=") for parameter in parameters) if key.strip() == "q"
        )
        found[name] = max(found.get(name, 0.0), _weight(next(given, "1").strip()))
    return found


def _weight(text: str) -> float:
    """A weight; what is none is as good as not said."""
    whole, _, digits = text.partition(".")
    return min(float(text), 1.0) if whole in {"0", "1"} and (digits.isdecimal() or not digits) else 1.0
