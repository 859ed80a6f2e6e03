"""GET …/product/{productId}/batch/{batchId}/serialChange: what happened to serials."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.jsontext import dumps
from batchyard.product_batches import operations
from batchyard.product_batches.parameters import (
    IN_COLLECTION,
    SERIALS_TAG,
    BatchId,
    Before,
    CollectionId,
    ProductId,
    documented,
)
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.schemas import SerialChange
from batchyard.product_batches.serials import repository as serials_repository

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/product/<productId>/batch/<batchId>/serialChange",
    summary="Changes of serials' statuses",
    operation_id="listSerialChanges",
    tags=[SERIALS_TAG],
    responses=documented(200, list[SerialChange], 400, 401, 403, 404),
)
def list_serial_changes(
    collectionId: CollectionId,
    productId: ProductId,
    batchId: BatchId,
    limit: Annotated[int, Query(ge=1, le=100, description="Changes on the page, at most")] = 20,
    before: Before = None,
) -> Response[str]:
    """Answers who changed which serials of the batch, and when; the latest change first."""
    batch = operations.retrieve(BatchKey(collectionId, productId, batchId))
    return answer(dumps([one.to_answer() for one in serials_repository.changes(batch, limit, before)]))


handler = app.lambda_handler
