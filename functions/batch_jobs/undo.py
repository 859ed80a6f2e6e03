"""POST /admin/batch-jobs/{id}/undo: takes back what a job did."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.batch_jobs import operations
from batchyard.batch_jobs.parameters import OF_CATALOGUE, TAG, JobId, of_job
from batchyard.batch_jobs.schemas import BatchJobAnswer
from batchyard.http import typed
from batchyard.http.app import App
from batchyard.http.caller import caller

app = App(typed, OF_CATALOGUE, closed_query=True)


@app.post(
    "/admin/batch-jobs/<id>/undo",
    summary="Undo a batch job",
    operation_id="undoBatchJob",
    tags=[TAG],
    responses=typed.documented(200, BatchJobAnswer, 400, 401, 403, 404, 413, 415),
)
def undo(id: JobId) -> Response[str]:
    """Takes back what a completed job changed. An export has changed nothing. The body is ignored."""
    asking = caller()
    return of_job(operations.undo(id, asking.user, asking.scope))


handler = app.lambda_handler
