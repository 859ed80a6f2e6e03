"""POST …/product/{productId}/batch/{batchId}/serialChange: statuses of serials, by ranges."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.headers import IdempotencyKey
from batchyard.jsontext import dumps
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import SerialChange, SerialChangeCreate
from batchyard.product_batches.serials import changes

app = App(coded, IN_COLLECTION)


@app.post(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/serialChange",
    summary="Change the status of many serials",
    operation_id="changeSerials",
    tags=[SERIALS_TAG],
    responses=documented(200, SerialChange, 400, 401, 403, 404, 409, 412, 413, 415),
)
def change_serials(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    body: Annotated[SerialChangeCreate, Body()],
    idempotency_key: IdempotencyKey = None,
) -> Response[str]:
    """Changes the status of serials by ranges, all or none; those that it cannot be changed of are left as they are."""
    ranges = [(one.startIndex, one.count) for one in body.ranges]
    changed = changes.change_many(
        BatchKey(collectionId, productId, batchId),
        ranges,
        body.status,
        by=caller().user,
        reason=body.reason,
        idempotency_key=idempotency_key,
        conditions=app.preconditions,
    )
    return answer(dumps(changed))


handler = app.lambda_handler
