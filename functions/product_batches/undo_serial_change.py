"""POST …/batch/{batchId}/serialChange/{changeId}/undo: serials get the statuses that they had before a change."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    ChangeId,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import SerialChange
from batchyard.product_batches.serials import changes

app = App(coded, IN_COLLECTION)


@app.post(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/serialChange/<changeId>/undo",
    summary="Undo a change of serials' statuses",
    operation_id="undoSerialChange",
    tags=[SERIALS_TAG],
    responses=documented(200, SerialChange, 400, 401, 403, 404, 409, 413, 415),
)
def undo_serial_change(
    collectionId: CollectionId, productId: ProductId, batchId: BatchId, changeId: ChangeId
) -> Response[str]:
    """Takes a change back, unless some of its serials were changed again since. Undone twice, it stays undone."""
    undone = changes.undo(BatchKey(collectionId, productId, batchId), changeId, by=caller().user)
    return answer(dumps(undone.to_answer()))


handler = app.lambda_handler
