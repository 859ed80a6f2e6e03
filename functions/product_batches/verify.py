"""GET /public/collection/{collectionId}/verifySN/{codeId}: whether a serial is genuine, for everybody."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http import coded
from batchyard.http.app import App, answer
from batchyard.http.source import source
from batchyard.jsontext import dumps
from batchyard.product_batches import operations
from batchyard.product_batches.parameters import SERIALS_TAG, CodeId, CollectionId, documented
from batchyard.product_batches.schemas import Verification
from batchyard.product_batches.serials import lookups

app = App(coded, None, any_origin=True)


@app.get(
    "/public/collection/<collectionId>/verifySN/<codeId>",
    summary="Verify a serial",
    operation_id="verifySerial",
    tags=[SERIALS_TAG],
    security=[],
    responses=documented(200, Verification, 400, 404),
)
def verify(collectionId: CollectionId, codeId: CodeId) -> Response[str]:
    """Answers whether the code is that of an item in circulation, and then its batch; of others, if it is recalled.

    Who guesses is slowed down.
    """
    verified = lookups.verify(collectionId, codeId, source(app.current_event.raw_event))
    return answer(dumps(verified.to_answer(operations.link_domain())), headers={"Cache-Control": "no-store"})


handler = app.lambda_handler
