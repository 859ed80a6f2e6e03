"""POST …/product/{productId}/batch/{batchId}/export: starts an export of a batch's serials."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.headers import IdempotencyKey
from batchyard.jsontext import dumps
from batchyard.product_batches.exports import operations as exports
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import ExportCreate, SerialExport

app = App(coded, IN_COLLECTION)


@app.post(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/export",
    summary="Export the serials of a batch",
    operation_id="exportSerials",
    tags=[SERIALS_TAG],
    status_code=202,
    responses=documented(202, SerialExport, 400, 401, 403, 404, 409, 413, 415),
)
def export(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    body: Annotated[ExportCreate, Body()],
    idempotency_key: IdempotencyKey = None,
) -> Response[str]:
    """Starts an export of all serials that the batch has now. The batch shows how far it is."""
    # By user: a client whose key has ended repeats the request with another one.
    started = exports.start(
        BatchKey(collectionId, productId, batchId), body.format, idempotency_key=idempotency_key, scope=caller().user
    )
    path = f"/admin/collection/{collectionId}/product/{productId}/batch/{batchId}/export/{started['id']}"
    return answer(dumps(started), 202, {"Location": f"{app.base_url}{path}"})


handler = app.lambda_handler
