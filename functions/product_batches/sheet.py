"""GET …/product/{productId}/batch/{batchId}/sheet: serials as QR codes or GS1 DataMatrix, to print."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from batchyard.http import coded
from batchyard.http.answers import must_fit
from batchyard.http.app import App
from batchyard.http.fields import LAST
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


MEDIA_TYPES: dict[sheets.Format, str] = {"svg": "image/svg+xml", "pdf": "application/pdf"}


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/sheet",
    summary="Serials as symbols to print",
    operation_id="serialSheet",
    tags=[SERIALS_TAG],
    responses={
        **documented(200, None, 400, 401, 403, 404, 413),
        200: {
            "description": "The sheet",
            "content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()},
        },
    },
)
def sheet(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    start: Annotated[
        int,
        Field(ge=0, le=rules.MOST_SERIALS),
        LAST,
        Query(alias="startIndex", description="Number of the first serial, from 0"),
    ] = 0,
    count: Annotated[
        int, Field(ge=1, le=sheets.LARGEST_SHEET), LAST, Query(description="Codes on the sheet, at most")
    ] = 24,
    columns: Annotated[
        int,
        Field(ge=1, le=sheets.MOST_COLUMNS),
        LAST,
        Query(
            description="Codes in a row; refused where modules would be smaller than GS1 permits (0.396 mm)",
        ),
    ] = 5,
    symbology: Annotated[
        sheets.Symbology,
        LAST,
        Query(description="`qr` encodes digital links, `datamatrix` element strings (GS1 DataMatrix)"),
    ] = "qr",
    paper: Annotated[sheets.PaperName, LAST, Query(description="What pages measure")] = "a4",
    written_as: Annotated[
        sheets.Format, LAST, Query(alias="format", description="What the sheet is written as")
    ] = "svg",
) -> Response[str]:
    """Answers serials in rows, each with what it says in letters below, on as many pages as they need.

    A batch without GTIN has no digital links: its sheet shows the codes themselves. An SVG document has its pages one
    below the other; no code lies across two.
    """
    form = sheets.Form(columns, symbology, paper, written_as)
    page = sheets.sheet(BatchKey(collectionId, productId, batchId), start, count, form)
    return Response(200, MEDIA_TYPES[written_as], must_fit(page))


handler = app.lambda_handler
