"""GET /api/v1/channel/{channel_id}/batch_requests/: a channel's batch requests, page by page."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import WithJsonSchema

from batchyard.batch_requests import listing, operations, rules
from batchyard.batch_requests.parameters import IN_CHANNEL, TAG, ChannelId
from batchyard.batch_requests.schemas import BatchRequestPage
from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.fields import QueryText
from batchyard.http.pages import Limit, PageNumber, body, page_limit, page_number

app = App(drf, IN_CHANNEL)

# Any text gets in here: a bad status is refused in the words of a filter, not of a field.
MOST_FILTERS = 100
"""Statuses that one request asks for; of a repeated one nothing more comes."""

StatusFilter = Annotated[str, WithJsonSchema({"type": "string", "enum": [*rules.STATUSES, ""]})]


@app.get(
    "/api/v1/channel/<channel_id>/batch_requests",
    summary="Batch requests of a channel",
    operation_id="listBatchRequests",
    tags=[TAG],
    responses=drf.documented(200, BatchRequestPage, 400, 401, 403, 404, 413),
)
def list_batch_requests(
    channel_id: ChannelId,
    status: Annotated[
        list[StatusFilter] | None,
        Query(max_length=MOST_FILTERS, description="Any of these statuses; an empty one is ignored"),
    ] = None,
    content_type: Annotated[QueryText, Query(description="Exactly this content type")] = None,
    ordering: Annotated[
        QueryText,
        Query(
            description="`pk`, `created_date`, `modified_date`, `status`, `content_type`, several with commas; "
            "`-` before one turns it round"
        ),
    ] = None,
    page: PageNumber = None,
    limit: Limit = None,
) -> Response[str]:
    """Answers a page of batch requests, oldest first unless ordered otherwise."""
    asked = listing.question(
        channel_id, statuses=status or (), content_type=content_type, ordering=ordering, limit=page_limit(limit)
    )
    number = page_number(page)
    found = operations.list_page(asked, number, caller().token)
    return answer(body(app, number, found.results, count=found.count, has_next=found.has_next))


handler = app.lambda_handler
