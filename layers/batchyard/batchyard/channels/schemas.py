"""Channels as they travel over the API."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from batchyard.http.fields import JSON_NUMBER

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, strip_whitespace=True, pattern=r"^[^\x00]*$"),
    # What is left without the white space around must not be empty.
    Field(json_schema_extra={"pattern": r"^[^\x00]*[^\x00\s\x85][^\x00]*$"}),
]
StaleAfter = Annotated[int, Field(ge=60, le=31_536_000), JSON_NUMBER]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)


class ChannelCreate(_Model):
    """A new channel."""

    name: Name
    is_active: StrictBool = Field(True, description="Batch requests can be opened")
    stale_after: StaleAfter | None = Field(
        None, description="Seconds without progress after which its batch requests fail; null for never"
    )


class ChannelUpdate(_Model):
    """Changes of a channel. Fields that are left out stay as they are."""

    # Defaults are never used: what is left out is not in `model_fields_set`.
    name: Name = ""
    is_active: StrictBool = True
    stale_after: StaleAfter | None = None


class ChannelAnswer(_Model):
    """A channel."""

    pk: int
    name: str
    is_active: bool
    stale_after: int | None


class ChannelPage(_Model):
    """A page of channels."""

    count: int
    next: str | None
    previous: str | None
    results: list[ChannelAnswer]
