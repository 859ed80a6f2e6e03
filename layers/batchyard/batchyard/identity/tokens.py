"""Tokens and passwords: how they are made and recognized. Pure: no request, no store.

A key is shown once and stored as its SHA-256, which is enough for 256 random bits; a password is stored as its scrypt,
in the PHC string format: `$scrypt$ln=17,r=8,p=1$<salt>$<hash>`.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import NamedTuple


class Cost(NamedTuple):
    """What a hash of a password costs: 128 · r · 2^ln bytes, and CPU in proportion to that, p times."""

    ln: int
    r: int
    p: int


COST = Cost(17, 8, 1)
"""Of new hashes: 128 MB and about half a second of a CPU, as OWASP's Password Storage Cheat Sheet recommends."""

_UNNAMED_COST = Cost(14, 8, 1)
"""Of hashes that do not name theirs: `scrypt$<salt>$<hash>`, both in hexadecimal."""

_SALT_BYTES, _HASH_BYTES = 16, 32
_STORED = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")
_SCHEMES = frozenset({"token", "bearer"})


def new_key() -> str:
    """A new key: `by_` and 256 random bits."""
    return f"by_{secrets.token_urlsafe(32)}"


def new_token_id() -> str:
    """A public ID for a token, which tells nothing of its key."""
    return f"tok_{secrets.token_hex(8)}"


def digest(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_in(authorization: str | None) -> str | None:
    """The key of an `Authorization` header; None where it has another scheme, or there is no header at all."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    return key.strip() if scheme.lower() in _SCHEMES else None


def hash_password(password: str) -> str:
    """What is stored of a password."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return _written(COST, salt, _scrypt(password, COST, salt, _HASH_BYTES))


def nobodys_password() -> str:
    """What might be stored of a password and is that of none: to verify one takes as long as with any other."""
    return _written(COST, bytes(_SALT_BYTES), bytes(_HASH_BYTES))


def verify_password(password: str, stored: str) -> bool:
    """Whether this is the password that was stored."""
    cost, salt, expected = _read(stored)
    return hmac.compare_digest(_scrypt(password, cost, salt, len(expected)), expected)


def is_current(stored: str) -> bool:
    """Whether what is stored of a password costs what a new hash would."""
    return stored.startswith("$") and _read(stored)[0] == COST


def _scrypt(password: str, cost: Cost, salt: bytes, size: int) -> bytes:
    n = 1 << cost.ln
    # What OpenSSL counts: the large table, and the blocks.
    memory = 128 * cost.r * (n + cost.p + 2)
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=cost.r, p=cost.p, maxmem=memory, dklen=size)


def _read(stored: str) -> tuple[Cost, bytes, bytes]:
    """The cost, the salt and the hash of what is stored."""
    found = _STORED.fullmatch(stored)
    if found is None:
        _, salt, expected = stored.split("$")
        return _UNNAMED_COST, bytes.fromhex(salt), bytes.fromhex(expected)
    ln, r, p, salt, expected = found.groups()
    return Cost(int(ln), int(r), int(p)), _bytes(salt), _bytes(expected)


def _written(cost: Cost, salt: bytes, hashed: bytes) -> str:
    return f"$scrypt$ln={cost.ln},r={cost.r},p={cost.p}${_text(salt)}${_text(hashed)}"


def _text(value: bytes) -> str:
    return base64.b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
