"""POST /admin/collection/{collectionId}/product/{productId}/batch: makes a batch."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps
from batchyard.product_batches import answers, operations
from batchyard.product_batches.parameters import IN_COLLECTION, TAG, CollectionId, ProductId, documented
from batchyard.product_batches.schemas import ProductBatchAnswer, ProductBatchCreate

app = App(coded, IN_COLLECTION)


@app.post(
    "/admin/collection/<collectionId>/product/<productId>/batch",
    summary="Create a batch",
    operation_id="createProductBatch",
    tags=[TAG],
    responses=documented(200, ProductBatchAnswer, 400, 401, 403, 404, 409, 412, 413, 415),
)
def create(
    collectionId: CollectionId, productId: ProductId, body: Annotated[ProductBatchCreate, Body()]
) -> Response[str]:
    """Makes a batch and its serials. Making the very same again answers it as it is."""
    app.preconditions.must_hold(None)
    batch = operations.create(collectionId, productId, body.given(), by=caller().user)
    location = f"{app.base_url}/admin/collection/{collectionId}/product/{productId}/batch/{batch.id}"
    headers = {"Location": location, "ETag": answers.tag(batch)}
    return answer(dumps(batch.to_answer(operations.link_domain())), headers=headers)


handler = app.lambda_handler
