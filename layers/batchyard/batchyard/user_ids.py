"""What clients that want an ID of a user get: `usr_` and a ULID's form, the same for a name each time."""

import hashlib

from batchyard import ulids


def user_id(name: str) -> str:
    """The ID of the user of this name."""
    return f"usr_{ulids.of_digest(hashlib.sha256(f'user\n{name}'.encode()).digest())}"
