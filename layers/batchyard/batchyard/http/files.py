"""Files that everybody may read and keep: a page, a document."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http.answers import must_fit

KEPT_SECONDS = 3600
"""How long a browser, or a cache on the way to it, answers a file by itself."""


def file(body: str, media_type: str, tag: str, **headers: str) -> Response[str]:
    """The answer that is a file.

    Args:
        body: The file.
        tag: Its entity tag.
        headers: Others of its own; underscores in their names are hyphens.
    """
    # API Gateway packs it for whoever says so.
    kept = {"Cache-Control": f"public, max-age={KEPT_SECONDS}", "Vary": "Accept-Encoding", "ETag": tag}
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(200, media_type, must_fit(body), {**kept, **own})
