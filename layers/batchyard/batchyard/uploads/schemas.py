"""What requests about files hold, and what they are answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from batchyard.http.fields import LONGEST_DATE_TIME
from batchyard.http.typed_bodies import NUMBER, TypedBody
from batchyard.uploads.rules import LARGEST, LARGEST_NAME, LONGEST_NAME

LONGEST_KEY = 1024
"""Bytes of a key in S3, and so characters, at most."""


# What `rules.must_be_name` takes, but for its bytes.
_NAME = r"^(?!\.{1,2}$)[^/\\\x00-\x1f\x7f-\x9f]+$"


class UploadRequest(TypedBody):
    """A file that is to come."""

    file_name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_NAME,
            description="Without folders",
            json_schema_extra={"pattern": _NAME, "x-maxBytes": LARGEST_NAME},
        ),
    ]
    size: Annotated[int, Field(ge=0, le=LARGEST, description="Bytes; no other size can be put at the URL"), NUMBER]


class FileRequest(TypedBody):
    """A file that is there."""

    file_key: Annotated[str, Field(max_length=LONGEST_KEY)]


class _Output(BaseModel):
    model_config = ConfigDict(defer_build=True)


class Uploaded(_Output):
    """A file that was stored."""

    url: str = Field(description="Where it can be read for an hour, without a token")
    key: str = Field(description="What `context.fileKey` of a job names it by")


class Uploads(_Output):
    """Files that were stored, in the order of the form."""

    uploads: list[Uploaded]


class UploadUrl(_Output):
    """Where to put a file."""

    url: str = Field(description="Takes one PUT of the bytes, without a token")
    key: str = Field(description="What `context.fileKey` of a job names it by")
    expires_at: str = Field(
        max_length=LONGEST_DATE_TIME, json_schema_extra={"format": "date-time"}, description="When the URL ends"
    )


class DownloadUrl(_Output):
    """Where to get a file."""

    download_url: str = Field(description="Where it can be read for an hour, without a token")


class Deleted(_Output):
    """A file that is gone."""

    id: str = Field(description="Its key")
    object: Literal["file"]
    deleted: bool
