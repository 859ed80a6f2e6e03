"""What existing clients send and read when they start up."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from batchyard.http.typed_bodies import TypedBody
from batchyard.identity.rules import LONGEST_PASSWORD


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)


class Credentials(_Model):
    """What a client logs in with."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=150)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD)] = Field(
        json_schema_extra={"writeOnly": True}
    )


class EmailCredentials(TypedBody):
    """What a client of the catalogue logs in with."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=150)] = Field(description="The user's name")
    password: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD)] = Field(
        json_schema_extra={"writeOnly": True}
    )


class AccessToken(_Model):
    """A new key for the API."""

    access_token: str = Field(description="Sent as `Authorization: Bearer <key>`; shown this once")


class Key(_Model):
    """A new key for the API."""

    key: str = Field(description="Sent as `Authorization: Token <key>`; shown this once")


class ActiveUser(_Model):
    """Who is asking."""

    pk: int
    username: str
    is_active: bool
    is_staff: bool = Field(description="May manage channels")
