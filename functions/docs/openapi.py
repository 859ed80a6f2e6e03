"""GET /openapi.json: the OpenAPI document of the whole API."""

from pathlib import Path

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import drf
from batchyard.http.answers import tag_of
from batchyard.http.app import App
from batchyard.http.files import file

app = App(drf, None)


@app.get(
    "/openapi.json",
    summary="This document",
    operation_id="openapi",
    tags=["Documentation"],
    security=[],
    responses={
        200: {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}},
    },
)
def openapi() -> Response[str]:
    """Answers the OpenAPI document, with this service's own address in it."""
    document = (Path(__file__).parent / "openapi.json").read_text()
    body = document.replace('"url": "/"', f'"url": "{app.base_url}"', 1)
    return file(body, "application/json", tag_of(body))


handler = app.lambda_handler
