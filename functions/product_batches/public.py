"""GET /public/collection/{collectionId}/product/{productId}/batch/{batchId}: a batch, for everybody."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.jsontext import dumps
from batchyard.product_batches import operations, repository
from batchyard.product_batches.parameters import TAG, BatchId, CollectionId, ProductId, documented
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import PublicBatch

app = App(coded, None, any_origin=True)


@app.get(
    "/public/collection/<collectionId>/product/<productId>/batch/<batchId>",
    summary="A batch, for everybody",
    operation_id="retrievePublicProductBatch",
    tags=[TAG],
    security=[],
    responses=documented(200, PublicBatch, 404),
)
def public(collectionId: CollectionId, productId: ProductId, batchId: BatchId) -> Response[str]:
    """Answers what everybody may know of the batch; there are no drafts and no archived batches here."""
    batch = operations.retrieve_public(BatchKey(collectionId, productId, batchId))
    return answer(dumps(batch.to_public(operations.link_domain())))


handler = app.lambda_handler
reads = repository.reads
