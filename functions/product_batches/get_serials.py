"""GET /admin/collection/{collectionId}/product/{productId}/batch/{batchId}/getSN: a page of a batch's serials."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.fields import LAST
from batchyard.product_batches import repository, rules
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import SerialPage
from batchyard.product_batches.serials import pages

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/getSN",
    summary="Serials of a batch",
    operation_id="getSerials",
    tags=[SERIALS_TAG],
    responses=documented(200, SerialPage, 400, 401, 403, 404, 413),
)
def get_serials(
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
        int, Field(ge=1, le=rules.LARGEST_PAGE), LAST, Query(description="Serials on the page, at most")
    ] = 10,
) -> Response[str]:
    """Answers a page of the batch's serials, in their order."""
    return answer(pages.page(BatchKey(collectionId, productId, batchId), start, count).to_json())


handler = app.lambda_handler
reads = repository.reads
