"""Tokens and passwords: how they are made and recognized. Pure: no request, no store.

A key is shown once and stored as its SHA-256, which is enough for 256 random bits; a password is stored as its scrypt.
"""

import hashlib
import hmac
import secrets

_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
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
    """What is stored of a password: `scrypt$<salt>$<hash>`."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Whether this is the password that was stored."""
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), expected)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
