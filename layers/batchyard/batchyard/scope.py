"""What a token may do, and what a route asks of it."""

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from batchyard.errors import NotPermitted

type Access = Literal["none", "read", "write"]
"""How far something is open to a token; each includes the ones before it."""

ACCESSES: tuple[Access, ...] = get_args(Access.__value__)

_EVERY = "*"
_SAFE = frozenset({"GET", "HEAD"})
_LONGEST_NUMBER = 19


class Scope(NamedTuple):
    """What a token's requests may do.

    It travels in an item of the store and in an authorizer's context, whose values API Gateway turns into strings. The
    authorizer's answer is kept for the whole stage and a minute: nothing of a single request belongs in here.

    In each field more lets do more: true than false, a number than a lesser one. None is no limit.

    Args:
        admin: May manage channels.
        writes: May change things.
        channels: The channels that may be touched; None for all.
        requests_per_minute: The limit; None for the service's default.
        collections: The collections that may be touched; None for all.
        catalogue: What may be done with the catalogue, and with jobs and files about it. What a token may not write at
            all, it may not write there.
    """

    admin: bool = False
    writes: bool = True
    channels: frozenset[int] | None = None
    requests_per_minute: int | None = None
    collections: frozenset[str] | None = None
    catalogue: Access = "write"

    @property
    def reads_catalogue(self) -> bool:
        """Whether the catalogue may be read."""
        return self.catalogue != "none"

    @property
    def writes_catalogue(self) -> bool:
        """Whether the catalogue may be changed."""
        return self.writes and self.catalogue == "write"

    def has_channel(self, channel: int) -> bool:
        """Whether a channel may be touched."""
        return self.channels is None or channel in self.channels

    def has_collection(self, collection: str) -> bool:
        """Whether what is in a collection may be touched."""
        return self.collections is None or collection in self.collections

    def within(self, other: "Scope") -> "Scope":
        """What both may do; a limit that only one has is the limit of both."""
        # Field by field, so that none can be left out, which would grant it.
        return Scope(*map(_narrower, self, other))

    def to_attributes(self) -> dict[str, str | int | bool]:
        """It in flat values, of which none is empty; a limit that it has not is left out."""
        attributes: dict[str, str | int | bool] = {
            "admin": self.admin,
            "writes": self.writes,
            "channels": _EVERY if self.channels is None else ",".join(map(str, sorted(self.channels))),
            # IDs of collections may hold commas, so these are a JSON list.
            "collections": _EVERY if self.collections is None else json.dumps(sorted(self.collections)),
            "catalogue": self.catalogue,
        }
        if self.requests_per_minute is not None:
            attributes["requests_per_minute"] = self.requests_per_minute
        return attributes

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> "Scope":
        """What `to_attributes` gave, be it as it was or in strings."""
        channels = str(attributes["channels"])
        # From before there were collections: whoever was limited then was not let into them.
        collections = str(attributes.get("collections", channels if channels == _EVERY else "[]"))
        limit = attributes.get("requests_per_minute")
        # From before there was a catalogue: nobody was let into it.
        catalogue = str(attributes.get("catalogue"))
        return cls(
            admin=_is_true(attributes["admin"]),
            writes=_is_true(attributes["writes"]),
            channels=None if channels == _EVERY else frozenset(map(int, filter(None, channels.split(",")))),
            requests_per_minute=int(limit) if limit else None,
            collections=None if collections == _EVERY else frozenset(json.loads(collections)),
            catalogue=next((access for access in ACCESSES if access == catalogue), "none"),
        )


class Rights(NamedTuple):
    """What a route asks of a good token. Unless the route only reads, that it writes is asked as well.

    Args:
        channel: The parameter of the path that names the channel which must be the token's; empty where none does.
        collection: The parameter that names the collection; empty where none does.
        admin: It must be an administrator's.
        every_channel: It must not be limited to some channels.
        catalogue: It must be let into the catalogue, as far as the route reads or writes.
        reads: The route only reads, also where the method is not GET or HEAD.
    """

    channel: str = ""
    collection: str = ""
    admin: bool = False
    every_channel: bool = False
    catalogue: bool = False
    reads: bool = False

    def must_be_in(self, scope: Scope, method: str, parameters: Mapping[str, str]) -> None:
        """Raises `NotPermitted` unless a token of this scope may make the request.

        Args:
            scope: What the token may do.
            method: The request's method.
            parameters: Those of its path, decoded, as the route gets them.
        """
        reads = self.reads or method in _SAFE
        if not reads and not scope.writes:
            raise NotPermitted
        if self.catalogue and not (scope.reads_catalogue if reads else scope.writes_catalogue):
            raise NotPermitted
        if self.admin and not scope.admin:
            raise NotPermitted
        if self.every_channel and scope.channels is not None:
            raise NotPermitted
        # What is no primary key is no channel's: the route finds nothing there.
        channel = parameters.get(self.channel, "")
        if _is_number(channel) and not scope.has_channel(int(channel)):
            raise NotPermitted
        if self.collection and not scope.has_collection(parameters.get(self.collection, "")):
            raise NotPermitted


def _narrower(one: Any, other: Any) -> Any:
    """Of two values of a field the one that lets do less; of two sets what both have."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, frozenset):
        return one & other
    return min(one, other, key=ACCESSES.index if isinstance(one, str) else None)


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
