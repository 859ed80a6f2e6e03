"""What a request makes its effect depend on: `If-Match` and `If-None-Match` (RFC 9110, 13).

Dates of last changes are not answered, so the conditions about these mean nothing here.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from batchyard.errors import Invalid, PreconditionFailed
from batchyard.http.urls import header

LONGEST = 8000
"""Characters of a condition; API Gateway takes 10 kB of all headers."""

_ANY = "*"
# A tag may hold commas; what is neither a tag nor `*` is the tag of nothing.
_MEMBER = re.compile(r'(?:W/)?"[^"]*"|[^\s,"]+')
_BEYOND_THE_VERSION = re.compile(r'\.[^"]*(?="\Z)')


class Preconditions(NamedTuple):
    """The conditions of one request.

    Args:
        match: The members of `If-Match`; None where there is none.
        none_match: Those of `If-None-Match`.
    """

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Preconditions":
        """Those of an API Gateway event.

        Raises:
            Invalid: One is longer than `LONGEST`.
        """
        return cls(*(_members(name, header(event, name)) for name in ("If-Match", "If-None-Match")))

    def must_hold(self, tag: str | None, *, repeats: bool = False) -> None:
        """Lets a change of what is there through.

        Args:
            tag: The entity tag of what is there; None where it is a list, which a change adds to: no tag stands for it.
            repeats: The change is there already. `If-Match` may then name the version before it, as it does where a
                client repeats a request whose answer got lost (13.1.1).

        Raises:
            PreconditionFailed: They do not hold.
        """
        match, none_match = (_versions(members) for members in self)
        of_versions = Preconditions(match, none_match)
        if not (of_versions.is_matched(tag) or repeats) or of_versions.is_excluded(tag):
            raise PreconditionFailed

    def is_matched(self, tag: str | None) -> bool:
        """Whether `If-Match` holds of what is there; weak tags never do (13.1.1)."""
        return self.match is None or self.match == {_ANY} or tag in self.match

    def is_excluded(self, tag: str | None) -> bool:
        """Whether `If-None-Match` does not hold of what is there, tags being compared as weak ones (13.1.2)."""
        if self.none_match is None:
            return False
        return _ANY in self.none_match or tag in {one.removeprefix("W/") for one in self.none_match}


UNCONDITIONAL = Preconditions()
"""No conditions."""


def _versions(members: frozenset[str] | None) -> frozenset[str] | None:
    """Tags without what they say of an answer beyond the version of what it shows (`batchyard.http.answers.etag`)."""
    return None if members is None else frozenset(_BEYOND_THE_VERSION.sub("", one) for one in members)


def _members(name: str, given: str | None) -> frozenset[str] | None:
    if given is None:
        return None
    if len(given) > LONGEST:
        raise Invalid({name: [f"Ensure this field has no more than {LONGEST} characters."]})
    return frozenset(_MEMBER.findall(given))
