"""ULIDs: 26 characters that sort by the moment they are of (https://github.com/ulid/spec)."""

import hashlib
import secrets

RANDOM_BYTES = 10
"""Bytes of a ULID that are not its moment."""

LENGTH = 26

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BYTES = 16
_MOMENT_CHARACTERS = 10


def new(moment_us: int) -> str:
    """A ULID that nothing else has, of something made at a moment in microseconds since the Unix epoch."""
    return ulid(moment_us, secrets.token_bytes(RANDOM_BYTES))


def of(moment_us: int, name: str) -> str:
    """The ULID of a name: the same for the same moment and name, and no other name's."""
    return ulid(moment_us, hashlib.sha256(name.encode()).digest()[:RANDOM_BYTES])


def ulid(moment_us: int, randomness: bytes) -> str:
    """The ULID of a moment.

    Args:
        moment_us: Microseconds since the Unix epoch; a ULID keeps its milliseconds.
        randomness: What tells it from others of the moment, `RANDOM_BYTES`.
    """
    return ulid_of((moment_us // 1000).to_bytes(_BYTES - RANDOM_BYTES) + randomness)


def ulid_of(digest: bytes) -> str:
    """What has a ULID's form and follows from a digest of 16 bytes or more: the same each time."""
    number = int.from_bytes(digest[:_BYTES])
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH)))


def moment_us(ulid: str) -> int:
    """The moment of a ULID, in microseconds since the Unix epoch.

    Raises:
        ValueError: It is none.
    """
    digits = [_ALPHABET.index(character) for character in ulid]
    if len(digits) != LENGTH or digits[0] >= 8:
        raise ValueError(f"{ulid!r} is no ULID")
    milliseconds = 0
    for digit in digits[:_MOMENT_CHARACTERS]:
        milliseconds = milliseconds << 5 | digit
    return milliseconds * 1000
