"""GET /admin/collection/{collectionId}/product/{productId}/batch: the batches of a product."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App
from batchyard.product_batches import answers, listing
from batchyard.product_batches.parameters import IN_COLLECTION, TAG, CollectionId, Cursor, Limit, ProductId, documented
from batchyard.product_batches.schemas import ProductBatchAnswer

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch",
    summary="Batches of a product",
    operation_id="listProductBatches",
    tags=[TAG],
    responses=documented(200, list[ProductBatchAnswer], 400, 401, 403, 404),
)
def list_batches(
    collectionId: CollectionId,
    productId: ProductId,
    limit: Limit = listing.ALL,
    cursor: Cursor = None,
) -> Response[str]:
    """Answers the batches of a product, in order of their IDs. Where there are more, a `Link` header leads to them.

    They come from an index: a batch that was made a moment ago may be missing.
    """
    return answers.page(app, listing.page(collectionId, limit=limit, product=productId, cursor=cursor or None))


handler = app.lambda_handler
