"""GET /admin/collection/{collectionId}/batch/{batchId}: a batch, whatever its product."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App
from batchyard.product_batches import answers, listing
from batchyard.product_batches.parameters import IN_COLLECTION, TAG, BatchId, CollectionId, OfProduct, documented
from batchyard.product_batches.schemas import ProductBatchAnswer

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/batch/<batchId>",
    summary="A batch, whatever its product",
    operation_id="findProductBatch",
    tags=[TAG],
    responses=documented(200, ProductBatchAnswer, 400, 401, 403, 404, 409),
)
def find(collectionId: CollectionId, batchId: BatchId, of_product: OfProduct = None) -> Response[str]:
    """Answers the batch; where several products have one of this ID, `productId` must say which."""
    return answers.batch(listing.only(collectionId, batchId, of_product or None))


handler = app.lambda_handler
