"""What several routes of batch jobs have in common."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from batchyard.batch_jobs.rules import Job
from batchyard.http.app import answer
from batchyard.jsontext import dumps
from batchyard.scope import Rights

TAG = "Batch jobs"

# Which of reading and writing a job takes depends on its type, so its operation asks.
OF_CATALOGUE = Rights(catalogue=True, reads=True)

JobId = Annotated[str, Path(max_length=255, description="The job's ID")]


def of_job(job: Job, status: int = 200) -> Response[str]:
    """The answer that shows a job."""
    return answer(dumps({"batch_job": job.to_answer()}), status)
