"""ULIDs: 26 characters that begin with a moment, so that IDs made later come behind those made before."""

import hashlib
import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_RANDOM_BITS = 80


def new(moment_us: int) -> str:
    """A ULID that nothing else has, of something made at a moment in microseconds since the Unix epoch."""
    return _text(moment_us, secrets.randbits(_RANDOM_BITS))


def of(moment_us: int, name: str) -> str:
    """The ULID of a name: the same for the same moment and name, and no other name's."""
    digest = hashlib.sha256(name.encode()).digest()[: _RANDOM_BITS // 8]
    return _text(moment_us, int.from_bytes(digest))


def _text(moment_us: int, rest: int) -> str:
    number = moment_us // 1000 << _RANDOM_BITS | rest
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
