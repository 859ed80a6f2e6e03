"""GET /admin/collection/{collectionId}/batch: the batches of a collection."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.http import coded
from batchyard.http.app import App
from batchyard.http.fields import QueryText
from batchyard.product_batches import answers, listing
from batchyard.product_batches.parameters import IN_COLLECTION, TAG, CollectionId, Cursor, Limit, documented
from batchyard.product_batches.schemas import ProductBatchAnswer

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/batch",
    summary="Batches of a collection",
    operation_id="searchProductBatches",
    tags=[TAG],
    responses=documented(200, list[ProductBatchAnswer], 400, 401, 403, 404),
)
def search_batches(
    collectionId: CollectionId,
    search: Annotated[QueryText, Query(description="What the ID or the name contains, in any case and form")] = None,
    of_product: Annotated[QueryText, Query(alias="productId", description="Only batches of this product")] = None,
    limit: Limit = listing.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response[str]:
    """Answers batches of a collection, in order of their IDs. Where there are more, a `Link` header leads to them.

    With `search` or `productId` they come from an index: a batch that was made a moment ago may be missing.
    """
    found = listing.page(collectionId, limit=limit, product=of_product or None, search=search, cursor=cursor)
    return answers.page(app, found)


handler = app.lambda_handler
