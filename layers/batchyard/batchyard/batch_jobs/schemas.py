"""What travels over the API, as pydantic reads it and the OpenAPI document describes it."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, create_model

from batchyard.batch_jobs import rules
from batchyard.batch_jobs.listing import COMPARED, DATES, DEFAULT_PAGE, LARGEST_PAGE
from batchyard.http.bounds import DEEPEST
from batchyard.http.fields import LONGEST_QUERY, QueryText
from batchyard.http.typed_bodies import TypedBody

MOST_FILTERS = 100
"""Values of one filter of a list."""

_LARGEST_OFFSET = 2**31 - 1
_LONGEST_DATE = 64


class BatchJobCreate(TypedBody):
    """Asks for a job."""

    type: Annotated[
        StrictStr,
        Field(max_length=255, description="What is to be done: `product-export`, `product-import` or `product-delete`"),
    ]
    context: Annotated[
        dict[str, Any],
        Field(
            description="What it is to be done with; unknown keys are kept and ignored",
            json_schema_extra={"x-maxBytes": rules.LARGEST_CONTEXT, "x-maxDepth": DEEPEST},
            max_length=rules.LARGEST_CONTEXT,
        ),
    ]
    dry_run: Annotated[StrictBool, Field(description="It waits for its confirmation before it does anything")] = False


class _Output(BaseModel):
    model_config = ConfigDict(defer_build=True)


class BatchJob(_Output):
    """A batch job."""

    id: str
    type: str
    status: str
    created_by: str
    context: dict[str, Any]
    result: dict[str, Any] | None
    dry_run: bool
    pre_processed_at: str | None
    processing_at: str | None
    confirmed_at: str | None
    completed_at: str | None
    canceled_at: str | None
    failed_at: str | None
    created_at: str
    updated_at: str
    deleted_at: str | None


class BatchJobAnswer(_Output):
    """One batch job."""

    batch_job: BatchJob


class SelectedBatchJob(_Output):
    """One batch job, or the columns of it that were asked for."""

    batch_job: BatchJob | dict[str, Any]


class BatchJobPage(_Output):
    """A page of batch jobs."""

    batch_jobs: list[dict[str, Any]] = Field(description="Batch jobs, with the columns that were asked for")
    count: int = Field(description="Batch jobs on all pages")
    offset: int
    limit: int


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, list) and value else value


_Values = Annotated[list[Annotated[str, Field(max_length=LONGEST_QUERY)]] | None, Field(max_length=MOST_FILTERS)]
_Date = Annotated[Annotated[str, Field(max_length=_LONGEST_DATE)] | None, BeforeValidator(_last)]


def _date_fields() -> dict[str, Any]:
    """A parameter for each date and each way to compare it."""
    names = [name for column in DATES for name in (column, *(f"{column}[{operator}]" for operator in COMPARED))]
    return {
        name.translate(_PLAIN): (_Date, Field(None, alias=name, description=_OF_DATES[name.endswith("]")]))
        for name in names
    }


_OF_DATES = ("`null`: only jobs that never were", "An ISO 8601 date, or seconds since 1970")
_PLAIN = str.maketrans("[", "_", "]")


class _Query(BaseModel):
    model_config = ConfigDict(defer_build=True)

    limit: Annotated[
        int,
        Field(ge=0, le=LARGEST_PAGE, description="Jobs on the page; 0 for as many as there can be"),
        BeforeValidator(_last),
    ] = DEFAULT_PAGE
    offset: Annotated[
        int, Field(ge=0, le=_LARGEST_OFFSET, description="Jobs before the page"), BeforeValidator(_last)
    ] = 0
    order: Annotated[QueryText, Field(description="A column, with `-` before it for the opposite order")] = None
    fields_: Annotated[QueryText, Field(alias="fields", description="Columns to show, with commas")] = None
    expand: Annotated[QueryText, Field(description="`created_by_user`")] = None
    id: Annotated[_Values, Field(alias="id[]", description="Any of these")] = None
    type: Annotated[_Values, Field(alias="type[]", description="Any of these types")] = None


BatchJobQuery = create_model("BatchJobQuery", __base__=_Query, **_date_fields())
"""The parameters of a list."""
