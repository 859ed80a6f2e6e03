"""POST /admin/batch-jobs: asks for a job."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from batchyard.batch_jobs import operations
from batchyard.batch_jobs.parameters import OF_CATALOGUE, TAG
from batchyard.batch_jobs.schemas import BatchJobAnswer, BatchJobCreate
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.headers import IdempotencyKey
from batchyard.jsontext import dumps

app = App(typed, OF_CATALOGUE, closed_query=True)


@app.post(
    "/admin/batch-jobs",
    summary="Ask for a batch job",
    operation_id="createBatchJob",
    tags=[TAG],
    status_code=201,
    responses=typed.documented(201, BatchJobAnswer, 400, 401, 403, 404, 412, 413, 415),
)
def create(body: Annotated[BatchJobCreate, Body()], idempotency_key: IdempotencyKey = None) -> Response[str]:
    """Makes a job, which begins at once. With `dry_run` it waits for its confirmation once it is known what it does."""
    app.preconditions.must_hold(None)
    asking = caller()
    made = operations.create(
        body.type,
        body.context,
        asking.user,
        asking.scope,
        dry_run=body.dry_run,
        idempotency_key=idempotency_key,
    )
    return answer(dumps({"batch_job": made}), 201)


handler = app.lambda_handler
