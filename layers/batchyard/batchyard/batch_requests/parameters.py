"""Parameters that several routes of batch requests have in common."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from batchyard.http.fields import PathInteger
from batchyard.scope import Rights

IN_CHANNEL = Rights(channel="channel_id")
ChannelId = Annotated[PathInteger, Path(description="The channel's primary key")]
BatchRequestId = Annotated[PathInteger, Path(description="The batch request's primary key")]
TAG = "Channel batch requests"
