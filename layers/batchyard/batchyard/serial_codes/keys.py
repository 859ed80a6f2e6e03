"""The master keys of serial numbers: one secret of Secrets Manager, and codebooks made from what is in it.

The environment variable SERIAL_KEYS_SECRET names the secret. It is JSON: each key version with a text that holds 256
bits of entropy or more, and the version that new codes are made with.

    {"current": 2, "1": "<text>", "2": "no-numbers.<text>"}

Of versions whose text begins with `no-numbers.`, as of all that `rotate` adds, no code is read as a number. The text is
the key all the same: what makes a version's codes can never change.

Versions are added and never taken away, so that what was printed stays readable. An execution environment therefore
goes on with the keys that it has for five minutes, or longer while Secrets Manager does not answer; a code or a batch
of a version that it does not have makes it look sooner.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.errors import Conflict, Unavailable
from batchyard.serial_codes.codes import VERSIONS, Codebook, Place
from batchyard.store import clients
from batchyard.store.calls import code_of, reaching_aws

# In microseconds. Any made-up code can name a version that is not there, so that alone may not cause a call each time.
_KEPT_FOR = 300_000_000
_SOONEST = 10_000_000

# As many characters as 256 bits take in base 64.
_SHORTEST_KEY = 43
_NO_NUMBERS = "no-numbers."


@dataclass(frozen=True, slots=True)
class _MasterKeys:
    """What a version of the secret says, which never changes; `secret_version` is its name in Secrets Manager."""

    secret_version: str
    current: int
    texts: Mapping[int, str] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: _MasterKeys
    asked_at: int


_kept: _Kept | None = None


def current_version() -> int:
    """The key version to make new codes with.

    Raises:
        Unavailable: Secrets Manager did not answer, and no keys are known yet.
    """
    return _master_keys(_KEPT_FOR).current


def codebook(collection: str, length: int) -> Codebook:
    """The codes of a collection, of so many characters without the check character.

    Raises:
        Unavailable: Secrets Manager did not answer, and no keys are known yet.
        ValueError: There are no codes of this length.
    """
    return _codebook(_master_keys(_KEPT_FOR), collection, length)


def codes(collection: str, length: int, version: int, indices: Sequence[int]) -> list[str]:
    """The codes of these indices, check characters included, as a key version makes them.

    Args:
        length: Characters of a code without its check character.
        version: Of the key.
        indices: Numbers of the serials within the collection; a range is as good as a list.

    Raises:
        Unavailable: Secrets Manager did not answer, or does not know the version yet.
        ValueError: There are no codes of this length, or no such index.
    """
    book = _book_with(collection, length, lambda _: version)
    if version not in book.versions:
        raise Unavailable
    return book.codes(version, indices)


def find(collection: str, code: str) -> Place | None:
    """Where a normalized code comes from; None where it is nobody's.

    Raises:
        Unavailable: Secrets Manager did not answer, and no keys are known yet.
    """
    return _book_with(collection, len(code) - 1, lambda book: book.version_of(code)).find(code)


def rotate() -> int:
    """Adds a random key under the next version, for new codes from now on; returns that version.

    Other execution environments make new codes with the former version for up to five minutes more. They read the
    secret again as soon as they meet the new version, unless they did so within the last ten seconds: for that long a
    code of it may be unknown to them, and its codes unavailable.

    Raises:
        Conflict: All versions are used up, or somebody else is adding one.
        Unavailable: Secrets Manager did not answer; what was asked for may have been done.
    """
    keys = _read()
    version = max(keys.texts) + 1
    if version > VERSIONS:
        raise Conflict(f"All {VERSIONS} versions of the serial key are in use.")
    texts = {**keys.texts, version: f"{_NO_NUMBERS}{secrets.token_urlsafe(32)}"}
    # Of two who add the same version, the second must not put another key in its place. Both name their change after
    # what they read, and Secrets Manager takes a second change of that name only if it is the same.
    token = hashlib.sha256(f"{keys.secret_version} {version}".encode()).hexdigest()
    try:
        with reaching_aws():
            clients.secretsmanager().put_secret_value(
                SecretId=os.environ["SERIAL_KEYS_SECRET"],
                SecretString=json.dumps({"current": version, **{str(name): text for name, text in texts.items()}}),
                ClientRequestToken=token,
            )
    except ClientError as error:
        if code_of(error) != "ResourceExistsException":
            raise
        raise Conflict("Somebody else is rotating the serial key.") from error
    _keep(_MasterKeys(token, version, texts))
    return version


def restore(source: str) -> int:
    """Takes the keys of another secret, that of a stack which was deleted; returns the version that is current then.

    The keys that are there are lost, so that codes which they made are nobody's: it is for a stack that has made none.

    Args:
        source: Name or ARN of the other secret.

    Raises:
        Conflict: A key was added to those that are there, so they are in use.
        Unavailable: Secrets Manager did not answer; what was asked for may have been done.
    """
    present, former = _read(), _read(source)
    if present.texts != former.texts:
        if present.texts.keys() != {1}:
            raise Conflict("Keys were added to this stack's secret, so they are in use and stay.")
        texts = {str(name): text for name, text in former.texts.items()}
        with reaching_aws():
            clients.secretsmanager().put_secret_value(
                SecretId=os.environ["SERIAL_KEYS_SECRET"],
                SecretString=json.dumps({"current": former.current, **texts}),
            )
        reset()
    return former.current


def reset() -> None:
    """Forgets all keys, as a new execution environment would have none."""
    global _kept
    _kept = None
    _codebook.cache_clear()


def _master_keys(age: int) -> _MasterKeys:
    """The keys, as they were no longer ago than that: microseconds."""
    if _kept is not None and 0 <= clock.now() - _kept.asked_at < age:
        return _kept.keys
    try:
        keys = _read()
    except Unavailable:
        if _kept is None:
            raise
        keys = _kept.keys
    _keep(keys)
    return keys


def _keep(keys: _MasterKeys) -> None:
    global _kept
    _kept = _Kept(keys, clock.now())


def _book_with(collection: str, length: int, version: Callable[[Codebook], int]) -> Codebook:
    """The codes of a collection, by keys that were read anew where they did not have a version."""
    book = codebook(collection, length)
    if version(book) in book.versions:
        return book
    return _codebook(_master_keys(_SOONEST), collection, length)


@lru_cache(maxsize=256)
def _codebook(keys: _MasterKeys, collection: str, length: int) -> Codebook:
    no_numbers = [version for version, text in keys.texts.items() if text.startswith(_NO_NUMBERS)]
    return Codebook({version: text.encode() for version, text in keys.texts.items()}, collection, length, no_numbers)


def _read(secret: str | None = None) -> _MasterKeys:
    with reaching_aws():
        answer = clients.secretsmanager().get_secret_value(SecretId=secret or os.environ["SERIAL_KEYS_SECRET"])
    try:
        return _parsed(json.loads(answer["SecretString"]), answer["VersionId"])
    except (ValueError, KeyError, TypeError, AttributeError):
        # Without the cause, which may quote the keys.
        raise RuntimeError("the secret with the serial keys does not hold what it should") from None


def _parsed(content: dict[str, Any], secret_version: str) -> _MasterKeys:
    texts = {int(name): text for name, text in content.items() if name != "current"}
    keys = _MasterKeys(secret_version, int(content["current"]), texts)
    if keys.current not in texts or not all(
        isinstance(text, str) and len(text) >= _SHORTEST_KEY for text in texts.values()
    ):
        raise ValueError
    return keys
