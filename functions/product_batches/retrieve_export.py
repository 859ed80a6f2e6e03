"""GET …/product/{productId}/batch/{batchId}/export/{exportId}: how far an export is, and its file."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.jsontext import dumps
from batchyard.product_batches.exports import operations as exports
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    CollectionId,
    ExportId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import SerialExportFile

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/export/<exportId>",
    summary="An export of a batch's serials",
    operation_id="retrieveSerialExport",
    tags=[SERIALS_TAG],
    responses=documented(200, SerialExportFile, 401, 403, 404),
)
def retrieve_export(
    collectionId: CollectionId, productId: ProductId, batchId: BatchId, exportId: ExportId
) -> Response[str]:
    """Answers the export; once it is done, with a URL that works for five minutes without a key."""
    found = exports.retrieve(BatchKey(collectionId, productId, batchId), exportId)
    return answer(dumps(found), headers={"Cache-Control": "no-store"})


handler = app.lambda_handler
