"""GET /admin/batch-jobs: the caller's jobs."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from batchyard.batch_jobs import listing, operations
from batchyard.batch_jobs.parameters import OF_CATALOGUE, TAG
from batchyard.batch_jobs.schemas import BatchJobPage, BatchJobQuery
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.jsontext import dumps

app = App(typed, OF_CATALOGUE, closed_query=True)


@app.get(
    "/admin/batch-jobs",
    summary="Batch jobs of the caller",
    operation_id="listBatchJobs",
    tags=[TAG],
    responses=typed.documented(200, BatchJobPage, 400, 401, 403),
)
def list_batch_jobs(asked: Annotated[BatchJobQuery, Query()]) -> Response[str]:
    """Answers a page of the caller's own jobs, newest first unless ordered otherwise."""
    given = asked.model_dump(by_alias=True, exclude_none=True)
    question = listing.question(
        limit=asked.limit,
        offset=asked.offset,
        order=asked.order,
        ids=asked.id or (),
        types=asked.type or (),
        dates={name: value for name, value in given.items() if name.partition("[")[0] in listing.DATES},
        fields=asked.fields_,
        expand=asked.expand,
    )
    asking = caller()
    found = operations.listed(question, asking.user, asking.scope)
    body = {
        "batch_jobs": [question.shown(job) for job in found.jobs],
        "count": found.count,
        "offset": question.offset,
        "limit": question.limit,
    }
    return answer(dumps(body))


handler = app.lambda_handler
