"""GET /admin/collection/{collectionId}/batch: the batches of a collection."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.errors import Invalid
from batchyard.http import coded, limits
from batchyard.http.app import App
from batchyard.http.caller import caller
from batchyard.http.fields import QueryText
from batchyard.product_batches import answers, listing, listing_by_gtin
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
    prefix: Annotated[
        QueryText, Query(alias="idPrefix", description="What the ID begins with, as it is written; not with `search`")
    ] = None,
    gtin: Annotated[
        QueryText,
        Query(
            alias="gtinPrefix", description="What the GTIN begins with, or all of it; not with `search` or `idPrefix`"
        ),
    ] = None,
    lot: Annotated[
        QueryText,
        Query(alias="lotPrefix", description="What the lot number begins with, as it is written; of one whole GTIN"),
    ] = None,
    of_product: Annotated[QueryText, Query(alias="productId", description="Only batches of this product")] = None,
    limit: Limit = listing.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response[str]:
    """Answers batches of a collection, in order of their IDs. Where there are more, a `Link` header leads to them.

    With `gtinPrefix` they come in order of their GTINs and lot numbers, and as they are at that moment.

    With `search`, `idPrefix` or `productId` they come from an index: a batch that was made a moment ago may be missing.
    Of a search those come first whose ID begins with its text. A page of it looks at 7,000 others at most; so one may
    be short, or empty, and have a next one. What it takes to look counts as requests.
    """
    product = of_product or None
    if search and prefix:
        raise Invalid({"idPrefix": ["It does not go together with search."]})
    if gtin and (search or prefix):
        raise Invalid({"gtinPrefix": ["It goes together with neither search nor idPrefix."]})
    if lot and len(gtin or "") != listing_by_gtin.GTIN_DIGITS:
        raise Invalid(
            {"lotPrefix": [f"It goes together with a gtinPrefix of all {listing_by_gtin.GTIN_DIGITS} digits."]}
        )
    if gtin:
        found, units = listing_by_gtin.page(
            collectionId, gtin, lot or None, limit=limit, product=product, cursor=cursor or None
        )
        limits.charge(caller(), units)
        return answers.page(app, found)
    if not search:
        listed = listing.page(collectionId, limit=limit, product=product, prefix=prefix or None, cursor=cursor or None)
        return answers.page(app, listed)
    found, units = listing.search(collectionId, search, limit=limit, product=product, cursor=cursor or None)
    limits.charge(caller(), units)
    return answers.page(app, found)


handler = app.lambda_handler
