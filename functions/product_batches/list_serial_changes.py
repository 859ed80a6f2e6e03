"""GET …/product/{productId}/batch/{batchId}/serialChange: what happened to serials."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.fields import LAST
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
    limit: Annotated[int, Field(ge=1, le=100), LAST, Query(description="Changes on the page, at most")] = 20,
    before: Before = None,
    removed: Annotated[
        bool, LAST, Query(description="Changes of batches of this ID that were removed, instead of those of the batch")
    ] = False,
) -> Response[str]:
    """Answers who changed which serials of the batch, and when; the latest change first."""
    key = BatchKey(collectionId, productId, batchId)
    batch = operations.retrieve_any(key) if removed else operations.retrieve(key)
    found = serials_repository.changes(key, batch, limit, before, removed=removed)
    return answer(dumps([one.to_answer() for one in found]))


handler = app.lambda_handler
