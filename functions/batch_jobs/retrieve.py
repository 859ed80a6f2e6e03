"""GET /admin/batch-jobs/{id}: a job."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.batch_jobs import listing, operations
from batchyard.batch_jobs.parameters import OF_CATALOGUE, TAG, JobId
from batchyard.batch_jobs.schemas import SelectedBatchJob
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.fields import QueryText
from batchyard.jsontext import dumps

app = App(typed, OF_CATALOGUE, closed_query=True)


@app.get(
    "/admin/batch-jobs/<id>",
    summary="A batch job",
    operation_id="retrieveBatchJob",
    tags=[TAG],
    responses=typed.documented(200, SelectedBatchJob, 400, 401, 403, 404),
)
def retrieve(
    id: JobId,
    fields: Annotated[QueryText, Query(description="Columns to show, with commas")] = None,
    expand: Annotated[QueryText, Query(description="`created_by_user`")] = None,
) -> Response[str]:
    """Answers a job of the caller's, with its progress."""
    shown = listing.question(fields=fields, expand=expand).shown
    asking = caller()
    return answer(dumps({"batch_job": shown(operations.retrieve(id, asking.user, asking.scope))}))


handler = app.lambda_handler
