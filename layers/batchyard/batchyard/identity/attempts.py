"""Logins: how those that fail are slowed down, and what is logged of them.

Counted are those of one address at one name, and those of one address at all names; of one name from all addresses none
are, since that would let anybody keep a user out.

Why: docs/decisions.md#what-failed-logins-count-by
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from batchyard.defects import log_defect
from batchyard.errors import Unavailable
from batchyard.http import limits
from batchyard.identity.rules import WrongCredentials

AT_ONE_NAME = 20
"""Failed logins of one address in a minute as one user."""

logger = logging.getLogger("batchyard.logins")


@contextmanager
def counted(name: str, address: str) -> Iterator[None]:
    """Within this, somebody tries to log in: it counts if that fails, and is not even tried if too many have failed.

    Args:
        name: As whom.
        address: Where from.

    Raises:
        Throttled: Too many logins from there have failed in this minute.
    """
    # First the narrower one, so that trying one name again and again does not keep out who shares the address.
    taken = []
    failed = False
    try:
        for subject, limit in ((f"{address}\n{name}", AT_ONE_NAME), (address, _at_all_names())):
            counter = f"login {hashlib.sha256(subject.encode()).hexdigest()}"
            # Before the password is looked at, so that guesses at one moment are counted, too.
            limits.take(counter, limit, ahead=False)
            taken.append(counter)
        yield
        logger.info("login", extra={"user": name, "source": address})
    except WrongCredentials as error:
        failed = True
        _log(name, address, known=error.known)
        raise
    finally:
        if not failed:
            _give_back(taken)


def _give_back(taken: list[str]) -> None:
    try:
        for counter in taken:
            limits.give_back(counter)
    except Unavailable as error:
        # Who is logged in is not to hear of a count.
        log_defect(error)


def _at_all_names() -> int:
    return int(os.environ["FAILED_LOGINS_PER_MINUTE"])


def _log(name: str, address: str, *, known: bool) -> None:
    # What nobody is called may be a password in the wrong field, and the hash of one could be guessed at.
    logger.warning("failed login", extra={"user": name if known else None, "source": address})
