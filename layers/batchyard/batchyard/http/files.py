"""Files that everybody may read and keep: a page, a document."""

import hashlib

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http.answers import matches_any, must_fit

KEPT_SECONDS = 3600
"""How long a browser, or a cache on the way to it, answers a file by itself."""


def entity_tag(body: str) -> str:
    """The entity tag of a file."""
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def file(body: str, media_type: str, tag: str, if_none_match: str | None) -> Response[str]:
    """The answer that is a file, or that it still is the one that the caller has (RFC 9110, 13.1.2).

    Args:
        body: The file.
        media_type: Its media type.
        tag: Its entity tag.
        if_none_match: The caller's `If-None-Match`.
    """
    headers: dict[str, str | list[str]] = {"Cache-Control": f"public, max-age={KEPT_SECONDS}", "ETag": tag}
    if if_none_match is not None and matches_any(if_none_match, tag):
        return Response(304, None, "", headers)
    return Response(200, media_type, must_fit(body), headers)
