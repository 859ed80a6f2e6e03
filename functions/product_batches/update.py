"""PUT /admin/collection/{collectionId}/product/{productId}/batch/{batchId}: changes a batch."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import coded
from batchyard.http.app import App
from batchyard.http.caller import caller
from batchyard.product_batches import answers, operations, repository
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    TAG,
    BatchId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import ProductBatchAnswer, ProductBatchUpdate

app = App(coded, IN_COLLECTION)


@app.put(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>",
    summary="Update a batch",
    operation_id="updateProductBatch",
    tags=[TAG],
    responses=documented(200, ProductBatchAnswer, 400, 401, 403, 404, 409, 412, 413, 415),
)
def update(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    body: Annotated[ProductBatchUpdate, Body()],
) -> Response[str]:
    """Changes the fields that are given; a greater quantity brings new serials and leaves the old ones as they are."""
    given = body.must_be(batchId).given()
    batch = BatchKey(collectionId, productId, batchId)
    return answers.batch(operations.update(batch, given, by=caller().user, conditions=app.preconditions))


handler = app.lambda_handler
reads = repository.reads
