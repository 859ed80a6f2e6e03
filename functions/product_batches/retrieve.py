"""GET /admin/collection/{collectionId}/product/{productId}/batch/{batchId}: a batch."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App
from batchyard.product_batches import answers, operations, repository
from batchyard.product_batches.exports import operations as exports
from batchyard.product_batches.parameters import IN_COLLECTION, TAG, BatchId, CollectionId, ProductId, documented
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import ProductBatchAnswer

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>",
    summary="A batch",
    operation_id="retrieveProductBatch",
    tags=[TAG],
    responses=documented(200, ProductBatchAnswer, 401, 403, 404),
)
def retrieve(collectionId: CollectionId, productId: ProductId, batchId: BatchId) -> Response[str]:
    """Answers the batch, and how far exports of its serials are."""
    batch = operations.retrieve(BatchKey(collectionId, productId, batchId))
    return answers.batch(batch, exports.latest(batch))


handler = app.lambda_handler
reads = repository.reads
