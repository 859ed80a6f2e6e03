"""GET /docs: the OpenAPI document as a page to read and try (Swagger UI)."""

import base64
import hashlib
from functools import cache
from pathlib import Path

import aws_lambda_powertools
from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import drf
from batchyard.http.answers import tag_of
from batchyard.http.app import App
from batchyard.http.files import file

app = App(drf, None)

OUTSIDE_BATCHES = "A batch cannot answer files. Ask for /docs by itself."

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Batchyard</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="swagger-ui"></div>
<script>{script}</script>
<script>{start}</script>
</body>
</html>
"""
_START = """
SwaggerUIBundle({
  url: location.pathname.replace(/docs\\/*$/, "openapi.json"),
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // Highlighting an answer of a megabyte holds a browser up for a minute.
  syntaxHighlight: false,
})
"""
# Its own scripts and no others, whatever gets into the page from the document or from an answer. What is tried is sent
# to this very service. Swagger UI sets styles of single elements.
_POLICY = (
    "default-src 'none'; script-src {script} {start}; style-src-elem {style}; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@app.get(
    "/docs",
    summary="The API to read and try",
    operation_id="docs",
    tags=["Documentation"],
    security=[],
    responses={
        200: {"description": "A page", "content": {"text/html": {"schema": {"type": "string"}}}},
    },
)
def page() -> Response[str]:
    """Answers Swagger UI on this service's own OpenAPI document, in one page that loads nothing else."""
    body, tag, policy = _body()
    return file(body, "text/html; charset=utf-8", tag, Content_Security_Policy=policy)


@cache
def _body() -> tuple[str, str, str]:
    """The page, its entity tag, and what a browser may load and run in it."""
    assets = Path(aws_lambda_powertools.__file__).parent / "event_handler/openapi/swagger_ui"
    script = (assets / "swagger-ui-bundle.min.js").read_text()
    style = (assets / "swagger-ui.min.css").read_text()
    parts = {"style": style, "script": script, "start": _START}
    body = _PAGE.format(**parts)
    policy = _POLICY.format(**{name: _source(text) for name, text in parts.items()})
    return body, tag_of(body), policy


def _source(text: str) -> str:
    """A text within the page as a policy names it (https://www.w3.org/TR/CSP3/#grammardef-hash-source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


handler = app.lambda_handler
