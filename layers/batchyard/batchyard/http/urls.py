"""Where a request came in, so that URLs in answers work when followed as they are.

API Gateway tells the public address in pieces: the `Host` header, and `requestContext.path`, which holds the stage
(default domain) or the base path (custom domain) before the resource's own path. A proxy in front that rewrites the
host hides it; `PUBLIC_URL` then says it.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlencode

from batchyard.http.paths import as_sent


def add_line(headers: dict[str, str], name: str, line: str) -> None:
    """Adds a line to headers, whose names are in lower case: several lines of one are one list (RFC 9110, 5.3)."""
    key, value = name.lower(), line.strip()
    headers[key] = f"{headers[key]}, {value}" if key in headers else value


LINES = "batchyard.lines"
"""Where an event keeps what its headers say once they were read; API Gateway's events have no such key."""


def header_lines(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a request, names in lower case, all lines of one together."""
    known: dict[str, str] | None = event.get(LINES)
    return _read_lines(event) if known is None else known


def with_lines(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event, with its headers read for all who ask for them later."""
    return {**event, LINES: header_lines(event)}


def _read_lines(event: Mapping[str, Any]) -> dict[str, str]:
    last: dict[str, str] = {}
    for name, value in (event.get("headers") or {}).items():
        add_line(last, name, str(value))
    lines: dict[str, list[str]] = {}
    for name, several in (event.get("multiValueHeaders") or {}).items():
        lines.setdefault(name.lower(), []).extend(several)
    found = {name: ", ".join(line.strip() for line in several) for name, several in lines.items() if len(several) > 1}
    # Some engines, and some events, have one value of each alone.
    return {**last, **found}


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header by its name in any case, all of its lines; None where it is absent."""
    return header_lines(event).get(name.lower())


def route_path(event: Mapping[str, Any]) -> str:
    """The path below the stage or base path, as sent: what the route's own pattern matches.

    On a custom domain `path` begins with the base path of its mapping. The resource (`/api/v1/channels/{id}`) tells
    how many segments at the end of it are the route's; a greedy parameter (`{proxy+}`) stands for several.
    """
    path = as_sent(str(event.get("path") or "/"))
    resource = str(event.get("resource") or "")
    segments = path.rstrip("/").split("/")
    depth = resource.strip("/").count("/") + 1
    for name, value in (event.get("pathParameters") or {}).items():
        if f"{{{name}+}}" in resource:
            resource = resource.replace(f"{{{name}+}}", "")
            depth += _depth(segments, str(value).strip("/")) - 1
    if not resource or "+}" in resource:
        return path
    return "/" + "/".join(segments[-depth:]) if len(segments) > depth + 1 else path


def _depth(segments: Sequence[str], rest: str) -> int:
    """How many segments at the end of a path are what a greedy parameter took, whose escapes may be undone."""
    wanted = unquote(rest)
    depths = range(1, len(segments))
    return next(
        (depth for depth in depths if unquote("/".join(segments[-depth:])) in {rest, wanted}), rest.count("/") + 1
    )


def base_url(event: Mapping[str, Any]) -> str:
    """The address that the service's paths are appended to, without a slash at the end."""
    configured = os.environ.get("PUBLIC_URL", "")
    if configured:
        return configured.rstrip("/")
    context = event.get("requestContext") or {}
    host = header(event, "Host") or context.get("domainName") or "localhost"
    # The last proxy is the nearest one.
    scheme = (header(event, "X-Forwarded-Proto") or "https").rpartition(",")[2].strip()
    prefix = _before(str(context.get("path") or "").rstrip("/"), route_path(event).rstrip("/"))
    return f"{scheme}://{host}{as_sent(prefix)}"


def _before(whole: str, own: str) -> str:
    """What comes before the route's own path in the whole one. Either may come with its escapes undone."""
    pairs = (
        (whole, own),
        (as_sent(whole), own),
        (whole, unquote(own)),
        (unquote(whole), own),
        (unquote(whole), unquote(own)),
    )
    for path, end in pairs:
        if end and path.endswith(end):
            return path[: -len(end)]
    return ""


def parameters(event: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """The parameters of a request's query, each with all of its values."""
    single: Mapping[str, str] = event.get("queryStringParameters") or {}
    return event.get("multiValueQueryStringParameters") or {name: [value] for name, value in single.items()}


def another_page(event: Mapping[str, Any], parameter: str, value: str | None, end: str = "") -> str:
    """The URL of another page of a list: the request's own, with all of its parameters but one.

    Args:
        event: The request for a page.
        parameter: What tells the pages apart.
        value: That of the other page; None where it needs none.
        end: What the path ends with.
    """
    kept = [(name, one) for name, values in parameters(event).items() if name != parameter for one in values]
    if value is not None:
        kept.append((parameter, value))
    path = as_sent(event["path"].rstrip("/"))
    return f"{base_url(event)}{path}{end}" + (f"?{urlencode(kept)}" if kept else "")
