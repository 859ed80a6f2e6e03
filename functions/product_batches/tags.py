"""GET /admin/collection/{collectionId}/batch/{batchId}/tags: the codes that were assigned to a batch."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.http import coded
from batchyard.http.answers import must_have_room, size_in_lambda
from batchyard.http.app import App, answer
from batchyard.http.fields import QueryText
from batchyard.jsontext import dumps
from batchyard.product_batches import listing
from batchyard.product_batches.parameters import IN_COLLECTION, TAG, BatchId, CollectionId, documented
from batchyard.product_batches.schemas import BatchTag

app = App(coded, IN_COLLECTION)


@app.get(
    "/admin/collection/<collectionId>/batch/<batchId>/tags",
    summary="Tags of a batch",
    operation_id="listProductBatchTags",
    tags=[TAG],
    responses=documented(200, list[BatchTag], 400, 401, 403, 404, 413),
)
def tags(
    collectionId: CollectionId,
    batchId: BatchId,
    claim_set: Annotated[QueryText, Query(alias="claimSetId", description="Only tags of this claim set")] = None,
) -> Response[str]:
    """Answers the tags of all batches of this ID, each with its product; none where there is no such batch."""
    shown, size = [], 0
    for batch in listing.by_id(collectionId, batchId):
        for tag in batch.fields.get("tags", ()):
            if not claim_set or tag.get("claimSetId") == claim_set:
                # Whatever a tag says by these names: here they tell whose it is.
                shown.append(dumps({**tag, "productId": batch.product, "batchId": batch.id}))
                size += size_in_lambda(shown[-1]) + 1
        must_have_room(size)
    return answer(f"[{','.join(shown)}]")


handler = app.lambda_handler
