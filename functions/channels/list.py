"""GET /api/v1/channels/: the channels that the caller may read, page by page."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.channels.repository import every
from batchyard.channels.schemas import ChannelPage
from batchyard.errors import NoSuchPage
from batchyard.http import drf
from batchyard.http.app import App, answer
from batchyard.http.caller import caller
from batchyard.http.pages import Limit, PageNumber, body, page_limit, page_number
from batchyard.jsontext import dumps
from batchyard.scope import Rights

app = App(drf, Rights())


@app.get(
    "/api/v1/channels",
    summary="Channels",
    operation_id="listChannels",
    tags=["Channels"],
    responses=drf.documented(200, ChannelPage, 400, 401, 404),
)
def list_channels(page: PageNumber = None, limit: Limit = None) -> Response[str]:
    """Answers a page of channels, in order of their primary keys."""
    number, size, allowed = page_number(page), page_limit(limit), caller().scope.channels
    readable = [channel for channel in every() if allowed is None or channel.pk in allowed]
    chosen = readable[(number - 1) * size : number * size]
    if not chosen and number > 1:
        raise NoSuchPage
    results = [dumps(channel.to_answer()) for channel in chosen]
    return answer(body(app, number, results, count=len(readable), has_next=number * size < len(readable)))


handler = app.lambda_handler
