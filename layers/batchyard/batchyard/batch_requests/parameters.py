"""Parameters that several routes of batch requests have in common."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Path

from batchyard.http.fields import LONGEST_QUERY, PathInteger
from batchyard.scope import Rights

IN_CHANNEL = Rights(channel="channel_id")
ChannelId = Annotated[PathInteger, Path(description="The channel's primary key")]
BatchRequestId = Annotated[PathInteger, Path(description="The batch request's primary key")]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=LONGEST_QUERY,
        description="Only if the batch request still has one of these entity tags",
    ),
]
TAG = "Channel batch requests"
