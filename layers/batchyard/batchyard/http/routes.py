"""Which function serves which path: API Gateway's own routing, for whoever has to do it in its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from batchyard.errors import MethodNotAllowed, NotFound
from batchyard.http.paths import decoded

type RouteTable = Mapping[str, Mapping[str, str]]
"""Paths (`/api/v1/channels/{id}`), their methods, and the modules whose `handler` answers them."""


@dataclass(frozen=True, slots=True)
class Route:
    """The function that serves a request.

    Args:
        module: The module whose `handler` answers it.
        resource: Its path with the names of its parameters.
        parameters: The values of these.
    """

    module: str
    resource: str
    parameters: dict[str, str]


class Routes:
    """The routes of the service."""

    def __init__(self, table: RouteTable) -> None:
        self._routes = [(_pattern(path), path, methods) for path, methods in table.items()]

    def find(self, method: str, path: str) -> Route:
        """The route of a request; a path, as sent, counts the same with and without a slash at its end.

        Raises:
            NotFound: No route has this path, or nothing can have one of the names in it.
            MethodNotAllowed: There are some, with other methods.
        """
        for pattern, resource, methods in self._routes:
            if method in methods and (found := pattern.fullmatch(path)) is not None:
                return Route(methods[method], resource, {k: decoded(v) for k, v in found.groupdict().items()})
        if allowed := self.methods(path):
            raise MethodNotAllowed(method, allowed)
        raise NotFound

    def methods(self, path: str) -> list[str]:
        """The methods that a path, as sent, is served with."""
        return sorted({one for pattern, _, methods in self._routes if pattern.fullmatch(path) for one in methods})


def _pattern(path: str) -> re.Pattern[str]:
    """A path of the table as a pattern; `{name+}` takes the rest of the path."""
    pieces = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/"))
    pattern = re.escape(pieces[0])
    for name, greedy, literal in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        pattern += f"(?P<{name}>{'.+' if greedy else '[^/]+'})" + re.escape(literal)
    return re.compile(pattern + "/*")
