"""What several routes of product batches have in common: parameters, and how the document tells of refusals."""

from functools import partial
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import Field

from batchyard.http import coded
from batchyard.http.fields import LAST, QueryText
from batchyard.product_batches import moment_ids, refusals
from batchyard.product_batches.schemas import Id
from batchyard.scope import Rights

IN_COLLECTION = Rights(collection="collectionId")
CollectionId = Annotated[Id, Path(description="The collection's ID")]
ProductId = Annotated[Id, Path(description="The product's ID")]
BatchId = Annotated[Id, Path(description="The batch's ID")]
CodeId = Annotated[
    str,
    Path(
        # Of a longer path API Gateway cannot make a method ARN, and refuses it; what it takes is told what is wrong.
        max_length=1600,
        description="A serial's code: in any case, with hyphens or spaces, `I`, `L` and `O` for `1`, `1` and `0`",
    ),
]
MomentId = Annotated[str, Field(pattern=moment_ids.PATTERN)]
ExportId = Annotated[MomentId, Path(description="The export's ID")]
ChangeId = Annotated[MomentId, Path(description="The change's ID")]
OfProduct = Annotated[
    QueryText, Query(alias="productId", description="The product's ID, where several have a batch of this ID")
]
Before = Annotated[MomentId | None, LAST, Query(description="Only changes before the one of this ID")]
LONGEST_CURSOR = 400
"""Characters of the longest cursor: a GTIN, a lot number and two IDs of 100 in base64."""

Cursor = Annotated[
    QueryText,
    Query(
        description="Where the page begins, from the `Link` header of the one before",
        json_schema_extra={"maxLength": LONGEST_CURSOR, "pattern": "^[A-Za-z0-9_-]*={0,2}$"},
    ),
]
Limit = Annotated[int, Field(ge=1, le=1000), LAST, Query(description="Batches on the page, at most")]
TAG = "Product batches"
SERIALS_TAG = "Serial numbers"

documented = partial(coded.documented, own=refusals.KINDS)
"""The `responses` of a route for the OpenAPI document, with the names that the family refuses by."""
