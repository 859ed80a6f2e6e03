"""ULIDs: 26 characters that sort by when they were made (https://github.com/ulid/spec)."""

import secrets

PATTERN = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH, _BITS = 26, 5
_RANDOM_BYTES = 10


def ulid(moment_us: int, randomness: bytes | None = None) -> str:
    """A ULID of a moment.

    Args:
        moment_us: In microseconds since the Unix epoch; it has milliseconds of it.
        randomness: Ten bytes; random ones unless given, so that what makes the same bytes makes the same ULID.
    """
    return _text((moment_us // 1000).to_bytes(6) + (randomness or secrets.token_bytes(_RANDOM_BYTES)))


def ulid_of(digest: bytes) -> str:
    """A text in the form of a ULID that says nothing of a moment: the same for the same 16 bytes, or more."""
    return _text(digest[:16])


def _text(raw: bytes) -> str:
    value = int.from_bytes(raw)
    return "".join(_ALPHABET[value >> _BITS * place & 31] for place in reversed(range(_LENGTH)))
