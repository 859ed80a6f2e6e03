"""GET …/product/{productId}/lookupSN/{codeId}: whose serial a code is, within a product."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.jsontext import dumps
from batchyard.product_batches import operations
from batchyard.product_batches.parameters import IN_COLLECTION, SERIALS_TAG, CodeId, CollectionId, ProductId, documented
from batchyard.product_batches.schemas import SerialLookup
from batchyard.product_batches.serials import lookups

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/lookupSN/<codeId>",
    summary="Look up a serial of a product",
    operation_id="lookupSerialInProduct",
    tags=[SERIALS_TAG],
    responses=documented(200, SerialLookup, 400, 401, 403, 404),
)
def lookup(collectionId: CollectionId, productId: ProductId, codeId: CodeId) -> Response[str]:
    """Answers the serial and its batch."""
    found = lookups.find(collectionId, codeId, productId)
    return answer(dumps(found.to_answer(operations.link_domain())))


handler = app.lambda_handler
