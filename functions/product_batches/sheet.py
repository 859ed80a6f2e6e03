"""GET …/product/{productId}/batch/{batchId}/sheet: QR codes of serials, to print."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.http import coded
from batchyard.http.answers import must_fit
from batchyard.http.app import App
from batchyard.product_batches import rules
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.serials import sheets

app = App(coded, IN_COLLECTION)

OUTSIDE_BATCHES = (
    "A batch cannot answer pictures. Ask for"
    " /admin/collection/{collectionId}/product/{productId}/batch/{batchId}/sheet by itself."
)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/sheet",
    summary="QR codes of serials",
    operation_id="serialSheet",
    tags=[SERIALS_TAG],
    responses={
        **documented(200, None, 400, 401, 403, 404, 413),
        200: {"description": "An SVG page", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
    },
)
def sheet(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    start: Annotated[
        int, Query(alias="startIndex", ge=0, le=rules.MOST_SERIALS, description="Number of the first serial, from 0")
    ] = 0,
    count: Annotated[int, Query(ge=1, le=sheets.LARGEST_SHEET, description="Codes on the page, at most")] = 24,
    columns: Annotated[int, Query(ge=1, le=12, description="Codes in a row")] = 5,
) -> Response[str]:
    """Answers a page as wide as A4 with the digital links of serials as QR codes, their codes in letters below."""
    page = sheets.page(BatchKey(collectionId, productId, batchId), start, count, columns)
    return Response(200, "image/svg+xml", must_fit(page))


handler = app.lambda_handler
