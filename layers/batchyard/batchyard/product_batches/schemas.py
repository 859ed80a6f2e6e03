"""What travels over the API, as pydantic reads it and the OpenAPI document describes it.

Batches keep what clients say of them as it came, keys of their own included, so answers are not built from these
models; the answer models are their description, and the contract tests hold the two together.
"""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from batchyard.errors import Invalid
from batchyard.gs1.application_identifiers import CSET_82_UP_TO_20
from batchyard.gs1.gtin import GTIN_14, is_gtin14
from batchyard.http.bounds import DEEPEST
from batchyard.http.fields import JSON_NUMBER, one_of
from batchyard.product_batches import rules
from batchyard.product_batches.serials import statuses

ID_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.~$&'()*+,;=:@-]{0,99}$"
"""IDs of collections, products and batches: what a path can carry, without what sorts before `$` or means a folder."""

Status = Annotated[str, one_of(rules.STATUSES)]
SerialStatus = Annotated[str, one_of(statuses.STATUSES)]
ExportFormat = Literal["csv", "ndjson", "epcis"]

_MOST_KEYS = rules.LARGEST_KEYS // len('"":0,')
"""Keys of an object that has room in its bytes, were they all as short as can be."""

_MOST_TAGS = rules.LARGEST_KEYS // len('{"code":"a"},')
"""Tags that have room in their bytes."""

# JSON Schema counts neither the bytes of what a client keeps here, nor its levels.
_SIZE: dict[str, Any] = {"x-maxBytes": rules.LARGEST_KEYS, "x-maxDepth": DEEPEST}

_FOLDED = (".", "..")
"""Segments of a path that browsers fold away, also where they are escaped (WHATWG URL)."""

_LONGEST_DATE = 64
"""Characters of a date: twice as many as nanoseconds and an offset take."""

_LAST_SECOND = 253_402_300_799
"""Of the year 9999."""


def _gtin(value: str) -> str:
    if not is_gtin14(value):
        raise PydanticCustomError("gtin", "A GTIN has 14 digits, and its check digit must be right.")
    return value


def _whole_gtin(value: Any) -> Any:
    if isinstance(value, str) and len(value) in {8, 12, 13} and is_gtin14(padded := value.zfill(14)):
        raise PydanticCustomError("gtin", "A GTIN has 14 digits here, with zeros in front: {gtin}.", {"gtin": padded})
    return value


def _segment(value: str) -> str:
    if value in _FOLDED:
        raise PydanticCustomError("segment", "Browsers take this out of a link. It must be more than dots.")
    return value


def _date(value: Any) -> Any:
    match value:
        case str() if len(value) <= _LONGEST_DATE:
            pass
        case str():
            raise PydanticCustomError("date", "A date has at most {longest} characters.", {"longest": _LONGEST_DATE})
        case {"seconds": seconds, **rest} if _is_timestamp(seconds, rest):
            return value
        case _:
            raise PydanticCustomError("date", "Give an ISO 8601 date or moment, or seconds since 1970.")
    try:
        return rules.must_be_date(value)
    except ValueError as error:
        raise PydanticCustomError("date", "This must be {what}.", {"what": str(error)}) from None


def _is_timestamp(seconds: Any, rest: dict[Any, Any]) -> bool:
    nanoseconds = rest.get("nanoseconds", 0)
    if not rest.keys() <= {"nanoseconds"} or not _is_whole(seconds) or not _is_whole(nanoseconds):
        return False
    return bool(0 <= seconds <= _LAST_SECOND and 0 <= nanoseconds < 10**9)


def _is_whole(value: Any) -> bool:
    """Whether it is what JSON Schema calls an integer: `60` or `60.0`."""
    return not isinstance(value, bool) and isinstance(value, int | float) and value == value // 1


Id = Annotated[str, Field(pattern=ID_PATTERN)]
Gtin = Annotated[str, Field(pattern=GTIN_14), BeforeValidator(_whole_gtin), AfterValidator(_gtin)]
Identifier = Annotated[
    str,
    Field(pattern=CSET_82_UP_TO_20, json_schema_extra={"not": {"enum": list(_FOLDED)}}),
    AfterValidator(_segment),
]
OwnData = Annotated[dict[str, Any], Field(max_length=_MOST_KEYS, json_schema_extra=_SIZE)]
Date = Annotated[
    Any,
    BeforeValidator(_date),
    WithJsonSchema(
        {
            "description": "From 1970-01-01 to 9999-12-31; answered as it came",
            "anyOf": [
                {"type": "string", "format": "date", "maxLength": _LONGEST_DATE},
                {"type": "string", "format": "date-time", "maxLength": _LONGEST_DATE},
                {
                    "type": "object",
                    "required": ["seconds"],
                    "additionalProperties": False,
                    "properties": {
                        "seconds": {"type": "integer", "minimum": 0, "maximum": _LAST_SECOND},
                        "nanoseconds": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
                    },
                },
            ],
        }
    ),
]


class _Input(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)


class _Output(BaseModel):
    model_config = ConfigDict(defer_build=True)


class SerialFormat(_Input):
    """What the codes of a batch's serials look like."""

    model_config = ConfigDict(extra="forbid")

    length: Annotated[int, Field(ge=8, le=19), JSON_NUMBER] = Field(
        10, description="Characters, without the check character"
    )


class Tag(_Input):
    """A code that was assigned to a batch."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"maxProperties": _MOST_KEYS, **_SIZE})

    code: Annotated[str, Field(min_length=1, max_length=255)]
    claimSetId: Annotated[str, Field(max_length=255)] | None = None
    tagId: Annotated[str, Field(max_length=255)] | None = None


class BatchTag(Tag):
    """A code that was assigned to a batch, and whose it is."""

    productId: str
    batchId: str


class _BatchFields(_Input):
    """Fields of a batch. Keys of the client's own are kept as they come."""

    # Besides keys of its own, a client may send back what it was answered.
    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"maxProperties": _MOST_KEYS + len(rules.KNOWN | rules.GIVEN) + 3, **_SIZE},
    )

    name: Annotated[str, Field(max_length=255)] | None = None
    gtin: Gtin | None = Field(None, description="GTIN of 14 digits (AI 01)")
    variant: Identifier | None = Field(None, description="Consumer product variant (AI 22)")
    lotNumber: Identifier | None = Field(None, description="Lot (AI 10); the batch's ID unless given")
    manufactureDate: Date | None = Field(None, description="AI 11")
    packagingDate: Date | None = Field(None, description="AI 13")
    bestBeforeDate: Date | None = Field(None, description="AI 15")
    expiryDate: Date | None = Field(
        None,
        description=(
            "AI 17; an active batch expires when it is over. A moment is AI 7003, midnight is its whole day;"
            " 9999-12-31 is never"
        ),
    )
    quantity: Annotated[int, Field(ge=0, le=rules.MOST_SERIALS), JSON_NUMBER] | None = Field(
        None, description="Serials of the batch; it may grow, never shrink"
    )
    serialFormat: SerialFormat | None = Field(None, description="Fixed as soon as there are serials")
    status: Status | None = Field(None, description="`active` unless given")
    data: OwnData | None = Field(None, description="Public, up to 16 kB")
    admin: OwnData | None = Field(None, description="Private, up to 16 kB")
    tags: list[Tag] | None = Field(None, max_length=_MOST_TAGS, description="Codes assigned to the batch, up to 16 kB")

    @model_validator(mode="before")
    @classmethod
    def _must_be_json(cls, data: Any) -> Any:
        # Python reads JSON that it could not write: halves of surrogate pairs.
        try:
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            raise PydanticCustomError("json", "It holds a number or a character that JSON cannot carry.") from None
        return data

    def given(self) -> dict[str, Any]:
        """What the client said, as it came."""
        return self.model_dump(exclude_unset=True)


class ProductBatchCreate(_BatchFields):
    """A new batch."""

    id: Id = Field(description="The batch's ID, unique within its product")


class ProductBatchUpdate(_BatchFields):
    """Changes of a batch. Each field that is given takes the place of the present one whole.

    null removes a field that is described here, except `status`, `quantity` and `serialFormat`, which stay as they are.
    Keys of the client's own keep null as their value, as it comes.
    """

    id: Id | None = Field(None, description="The ID of the path, if anything")

    def must_be(self, batch: str) -> Self:
        """Raises `Invalid` where it is for another batch than the path's."""
        if self.id is not None and self.id != batch:
            raise Invalid({"id": ["The ID of a batch cannot be changed."]})
        return self


class ExportCreate(_Input):
    """A list of all serials of a batch, as a file."""

    format: ExportFormat = "csv"


class SerialExport(_Output):
    """An export of a batch's serials."""

    id: str
    format: ExportFormat
    status: Literal["queued", "running", "done", "failed"]
    rows: int = Field(description="Serials written so far")
    total: int = Field(description="Serials of the batch when the export was started")
    createdAt: str
    updatedAt: str
    finishedAt: str | None = Field(None, description="There once it is done or failed")
    bytes: int | None = Field(None, description="Size of the file; there once it is done")
    reason: str | None = Field(None, description="Why it failed")


class SerialExportFile(SerialExport):
    """An export of a batch's serials, and where its file is."""

    downloadUrl: str | None = Field(None, description="There once it is done; works for five minutes, without a key")


class Warned(_Output):
    """What the client of a batch should know of it."""

    code: Literal["EXPIRY_NOT_ON_LABEL", "REPEATED_LOT"]
    field: str
    message: str


class _BatchAnswer(_Output):
    id: str
    collectionId: str
    productId: str
    name: str | None = None
    gtin: str | None = None
    lotNumber: str | None = None
    manufactureDate: Date | None = None
    packagingDate: Date | None = None
    bestBeforeDate: Date | None = None
    expiryDate: Date | None = None
    status: Status
    data: dict[str, Any] | None = None
    digitalLink: str | None = Field(None, description="GS1 Digital Link of the lot; there with a GTIN")


class ProductBatchAnswer(_BatchAnswer):
    """A batch. Fields that it does not have are left out; keys of the client's own are there as they came."""

    model_config = ConfigDict(extra="allow")

    variant: str | None = None
    quantity: int
    serialFormat: SerialFormat
    admin: dict[str, Any] | None = None
    tags: list[Tag] | None = None
    exports: list[SerialExport] | None = Field(
        None, description="Its latest exports, the last one first; there on the batch by itself, if it has any"
    )
    createdAt: str
    updatedAt: str
    version: int
    warnings: list[Warned] | None = Field(None, description="There where there are any")


class PublicBatch(_BatchAnswer):
    """A batch as everybody may see it."""

    model_config = ConfigDict(extra="forbid")


class Removed(_Output):
    """Nothing is left to say."""


class SerialAnswer(_Output):
    """A serial on a page."""

    index: int = Field(description="Its number within the batch, from 0")
    code: str
    digitalLink: str | None = Field(description="null without a GTIN")
    status: SerialStatus


class SerialPage(_Output):
    """A page of a batch's serials."""

    items: list[SerialAnswer]
    startIndex: int
    count: int = Field(description="Serials on this page")
    total: int = Field(description="Serials of the batch")
    nextStartIndex: int | None = Field(description="null on the last page")


class SerialLookup(_Output):
    """Whose serial a code is."""

    valid: bool = Field(description="Always true: what is unknown or mistyped is 404 or 400")
    code: str
    index: int = Field(description="Its number within the batch, from 0")
    collectionId: str
    productId: str
    batchId: str
    status: SerialStatus
    changeId: str | None = Field(description="The change that brought the status; null for none")
    digitalLink: str | None
    scans: int = Field(description="How often it was verified in public")
    firstScannedAt: str | None
    lastScannedAt: str | None
    suspicious: bool = Field(description="It was verified more often on one day than one item could be")
    batch: ProductBatchAnswer


class Verification(_Output):
    """Whether a serial is genuine and in circulation; none of a draft or an archived batch is.

    `valid` speaks of the serial alone: its batch may be recalled, expired or withdrawn all the same, so read
    `batch.status` as well.
    """

    valid: bool
    status: Literal["recalled"] | None = Field(
        description="`recalled` where the serial is genuine, and it or its batch is recalled; nothing else is told"
    )
    batch: PublicBatch | None = Field(description="null unless the serial is valid")


class SerialUpdate(_Input):
    """A new status of one serial."""

    status: SerialStatus
    reason: Annotated[str, Field(max_length=1000)] | None = None


class SerialRange(_Input):
    """Neighbouring serials of a batch."""

    startIndex: Annotated[int, Field(ge=0, lt=rules.MOST_SERIALS), JSON_NUMBER]
    count: Annotated[int, Field(ge=1, le=rules.MOST_SERIALS), JSON_NUMBER]


class SerialChangeCreate(SerialUpdate):
    """A new status of serials, by ranges: all of them or none."""

    ranges: Annotated[list[SerialRange], Field(min_length=1, max_length=rules.MOST_RANGES)]


class SerialState(_Output):
    """A serial after its status was changed."""

    code: str
    index: int
    status: SerialStatus
    changeId: str | None = Field(description="The change that this made; null where the serial had the status already")


class SerialChange(_Output):
    """A change of serials' statuses."""

    id: str | None = Field(description="null where no serial had to be changed, so that there is nothing to undo")
    status: SerialStatus
    ranges: list[SerialRange]
    changed: int = Field(description="Serials that it changed")
    left: int = Field(description="Serials that it left as they were: they had the status already, or a final one")
    reason: str | None
    by: str
    at: str
    undoneBy: str | None
    undoneAt: str | None
