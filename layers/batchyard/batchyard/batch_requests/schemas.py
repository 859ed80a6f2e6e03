"""What travels over the API, as pydantic reads it and the OpenAPI document describes it.

Answers are not built from these models: the store keeps objects as JSON, and that goes out as it is (see
`BatchRequest.to_json`). The answer models are its description, and the contract tests hold the two together.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from batchyard.batch_requests import rules
from batchyard.batch_requests.rules import Wanted
from batchyard.errors import Invalid
from batchyard.http.fields import DateTime, Integer, LongLine, LongText, Text, one_of

Status = Annotated[str, one_of(rules.STATUSES)]


class _Input(BaseModel):
    """Unknown and read-only fields are ignored: clients send whole resources back."""

    model_config = ConfigDict(extra="ignore", defer_build=True, coerce_numbers_to_str=True)


class _Output(BaseModel):
    model_config = ConfigDict(defer_build=True)


class BatchRequestObject(_Input):
    """One object of a load, and what became of it."""

    pk: Integer = Field(description="Primary key of the object")
    failed_reason_type: LongLine | None = Field(
        None, description="Why the channel refused it (`mapping`, `remote`, `channel_app`, …); null if it did not"
    )
    remote_id: Text | None = Field(None, description="The object's ID on the channel's side; a number is kept as text")
    version_date: DateTime | None = Field(None, description="Version of the object that was sent; answered as it came")
    content_type: Text | None = Field(None, description="Kind of the object (`product`, `stock`, `price`, …)")


class BatchRequestCreate(_Input):
    """Opens a batch request."""

    channel: Integer = Field(description="The channel of the path")

    def must_be_in(self, channel: int) -> None:
        """Raises `Invalid` where another channel is given than the path's."""
        _must_be(self.channel, channel)


class BatchRequestUpdate(_Input):
    """Changes a batch request. Fields that are left out stay as they are."""

    # Defaults are never used: what is left out is not in `model_fields_set`, and null is an error for these two.
    channel: Integer = Field(0, description="The channel of the path; a batch request never moves to another one")
    status: Status = Field(rules.INITIALIZED, description="The status to move to, or the present one")
    remote_batch_id: Text | None = Field(None, description="The batch's ID on the channel's side")
    content_type: Text | None = Field(None, description="Kind of the objects in it")
    # Not in the model's repr, which powertools writes for its debug log at every request, logged or not.
    objects: list[BatchRequestObject] | None = Field(
        None,
        max_length=rules.MOST_OBJECTS,
        description="PATCH merges them by content type and primary key; PUT takes them as the whole list",
        repr=False,
    )
    log_file: LongText | None = Field(None, description="Content of the log file; kept, and never answered", repr=False)

    def must_be_in(self, channel: int) -> None:
        """Raises `Invalid` where another channel is given than the path's."""
        if "channel" in self.model_fields_set:
            _must_be(self.channel, channel)

    def change(self) -> Wanted:
        """Only what was sent, without what needs no deciding."""
        given: Wanted = self.model_dump(include=self.model_fields_set - {"channel", "log_file"})  # type: ignore[assignment]
        return given


def _must_be(given: int, channel: int) -> None:
    if given != channel:
        raise Invalid({"channel": [f"Channel {given} is not the channel of the path, {channel}."]})


class BatchRequestObjectAnswer(_Output):
    """One object of a load, and what became of it."""

    pk: int
    failed_reason_type: str | None
    remote_id: str | None
    version_date: DateTime | None
    content_type: str | None


class BatchRequestAnswer(_Output):
    """A batch request."""

    pk: int = Field(description="Grows with time, and fits 53 bits")
    channel: int
    local_batch_id: Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
    remote_batch_id: str | None
    content_type: str | None
    status: Status
    objects: list[BatchRequestObjectAnswer] | None
    created_date: DateTime
    modified_date: DateTime


class BatchRequestPage(_Output):
    """A page of batch requests."""

    count: int = Field(description="Batch requests on all pages")
    next: str | None = Field(description="Absolute URL of the next page; null on the last")
    previous: str | None = Field(description="Absolute URL of the page before; null on the first")
    results: list[BatchRequestAnswer]


class LogFileUpload(_Output):
    """Where to post a log file that is too large for a JSON body, as multipart/form-data."""

    url: str
    fields: dict[str, str] = Field(description="Form fields that must come before the field `file`")
    expires_at: DateTime = Field(description="Until when the form works, at most: a quarter of an hour from now")
