"""GET /docs: the OpenAPI document as a page to read and try (Swagger UI)."""

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
<script>
SwaggerUIBundle({{
  url: location.pathname.replace(/docs\\/*$/, "openapi.json"),
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // Highlighting an answer of a megabyte holds a browser up for a minute.
  syntaxHighlight: false,
}})
</script>
</body>
</html>
"""


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
    body, tag = _body()
    return file(body, "text/html; charset=utf-8", tag)


@cache
def _body() -> tuple[str, str]:
    """The page and its entity tag."""
    assets = Path(aws_lambda_powertools.__file__).parent / "event_handler/openapi/swagger_ui"
    script = (assets / "swagger-ui-bundle.min.js").read_text()
    style = (assets / "swagger-ui.min.css").read_text()
    body = _PAGE.format(style=style, script=script)
    return body, tag_of(body)


handler = app.lambda_handler
