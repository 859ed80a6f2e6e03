"""DELETE /admin/collection/{collectionId}/product/{productId}/batch/{batchId}: removes a batch."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.fields import LAST
from batchyard.product_batches import operations, repository
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    TAG,
    BatchId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import Removed

app = App(coded, IN_COLLECTION)


@app.delete(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>",
    summary="Delete a batch",
    operation_id="deleteProductBatch",
    tags=[TAG],
    responses=documented(200, Removed, 400, 401, 403, 404, 409, 412),
)
def delete(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    force: Annotated[
        bool, LAST, Query(description="Also where serials of the batch are in use, or were exported or verified")
    ] = False,
) -> Response[str]:
    """Removes a batch whose serials nobody has. They are valid no more, and are never handed out again.

    What became of them stays known: `serialChange?removed=true`.
    """
    operations.delete(BatchKey(collectionId, productId, batchId), force=force, conditions=app.preconditions)
    return answer("{}")


handler = app.lambda_handler
reads = repository.reads
