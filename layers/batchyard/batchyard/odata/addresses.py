"""Where a URL inside a batch leads: a path of this service, or nowhere."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from batchyard.errors import Malformed

ROOT = "/v1/"
"""What relative URLs are relative to."""

_REFUSED = re.compile(r"[\x00-\x1f\\#]")
_ABSOLUTE = re.compile(r"//|[A-Za-z][A-Za-z0-9+.\-]*:")
_PORTS = {"http": 80, "https": 443}
_SEPARATOR = re.compile(r"[/\\]")


def resolve(url: str, base: SplitResult) -> tuple[str, str]:
    """The path of a URL below the service's own address, and its query, both as they were written.

    Args:
        url: An absolute URL, a path from the host's root or from the service's own, or one relative to `ROOT`.
        base: The service's own address.

    Raises:
        Malformed: It leads elsewhere.
    """
    if _REFUSED.search(url):
        raise Malformed("The URL has characters that no URL of a request has.")
    path, _, query = url.partition("?")
    if _ABSOLUTE.match(path):
        path = _own_path(path, base)
    if not path.startswith("/"):
        path = ROOT + path
    elif base.path and path.startswith(f"{base.path}/"):
        path = path.removeprefix(base.path)
    if {".", ".."}.intersection(_SEPARATOR.split(unquote(path))):
        raise Malformed("The URL must not lead out of where it is.")
    return path, query


def _own_path(url: str, base: SplitResult) -> str:
    try:
        parts = urlsplit(url, scheme=base.scheme)
        is_own = "@" not in parts.netloc and _authority(parts) == _authority(base)
    except ValueError:
        is_own = False
    if not is_own:
        raise Malformed("An absolute URL must be this service's own.")
    return parts.path or "/"


def _authority(parts: SplitResult) -> tuple[str | None, int | None]:
    """Host and port; whether TLS ends here or at a proxy before, the schemes' own ports are the same."""
    if parts.scheme not in _PORTS:
        raise ValueError
    return parts.hostname, None if parts.port == _PORTS[parts.scheme] else parts.port
