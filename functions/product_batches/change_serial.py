"""PATCH …/product/{productId}/batch/{batchId}/serial/{codeId}: the status of one serial."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    CodeId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import SerialState, SerialUpdate
from batchyard.product_batches.serials import changes

app = App(coded, IN_COLLECTION)


@app.patch(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/serial/<codeId>",
    summary="Change the status of a serial",
    operation_id="changeSerial",
    tags=[SERIALS_TAG],
    responses=documented(200, SerialState, 400, 401, 403, 404, 409, 413, 415),
)
def change_serial(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    codeId: CodeId,
    body: Annotated[SerialUpdate, Body()],
) -> Response[str]:
    """Changes the status of one serial. The change can be undone by its ID."""
    number, code, change = changes.change_one(
        BatchKey(collectionId, productId, batchId), codeId, body.status, by=caller().user, reason=body.reason
    )
    changed = {"code": code, "index": number, "status": body.status, "changeId": change.id if change else None}
    return answer(dumps(changed))


handler = app.lambda_handler
