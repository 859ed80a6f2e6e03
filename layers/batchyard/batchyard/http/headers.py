"""Request headers that routes of several families take."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from batchyard.http.fields import LONGEST_QUERY

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="A repeat with the same key within 24 hours answers the first reply",
    ),
]

IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", max_length=LONGEST_QUERY, description="Only if it no longer has one of these tags"),
]
