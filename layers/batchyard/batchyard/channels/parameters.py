"""Parameters that several routes of channels have in common."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from batchyard.http.fields import PathInteger

ChannelId = Annotated[PathInteger, Path(description="The channel's primary key")]
