"""ULIDs: 26 characters that begin with a moment, so that IDs made later come behind those made before.

https://github.com/ulid/spec
"""

import hashlib
import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_LENGTH = 26
_BITS, _RANDOM_BITS = 128, 80


def new(moment_us: int) -> str:
    """A ULID that nothing else has, of something made at a moment in microseconds since the Unix epoch."""
    return _text(moment_us // 1000 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))


def of(moment_us: int, name: str) -> str:
    """The ULID of a name: the same for the same moment and name, and no other name's."""
    digest = hashlib.sha256(name.encode()).digest()[: _RANDOM_BITS // 8]
    return _text(moment_us // 1000 << _RANDOM_BITS | int.from_bytes(digest))


def of_digest(digest: bytes) -> str:
    """What has a ULID's form, of no moment: the same for the same digest of 16 bytes or more."""
    return _text(int.from_bytes(digest[: _BITS // 8]))


def moment_us(ulid: str) -> int:
    """The moment of a ULID, in microseconds since the Unix epoch; a ULID keeps its milliseconds.

    Raises:
        ValueError: It is none.
    """
    number = 0
    for character in ulid if len(ulid) == _LENGTH else "":
        number = number << 5 | _ALPHABET.index(character)
    if len(ulid) != _LENGTH or number >> _BITS:
        raise ValueError(f"{ulid!r} is no ULID")
    return (number >> _RANDOM_BITS) * 1000


def _text(number: int) -> str:
    return "".join([_PAIRS[number >> place & 1023] for place in range(120, -1, -10)])
