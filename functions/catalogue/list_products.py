"""GET /admin/products: products, as people look for them."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from batchyard.catalogue import listing, showing
from batchyard.catalogue.rules import LONGEST_NAME, STATUSES
from batchyard.catalogue.schemas import ProductList
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.http.fields import one_of
from batchyard.scope import Rights

app = App(typed, Rights(catalogue=True), closed_query=True)

DEFAULT_LIMIT, MOST = 50, 100

_Text = Annotated[str, Query(max_length=LONGEST_NAME)]


@app.get(
    "/admin/products",
    summary="List products",
    description="The newest 50,000 products are looked at; older ones are found by `handle`, or a SKU as `q`.",
    operation_id="listProducts",
    tags=["Products"],
    responses=typed.documented(200, ProductList, 400, 401, 403, 413),
)
def list_products(
    q: Annotated[_Text, Field(description="What title or handle contain, or the ID or a SKU")] = "",
    handle: _Text = "",
    status: Annotated[
        list[Annotated[str, one_of(STATUSES)]] | None, Query(alias="status[]", max_length=len(STATUSES))
    ] = None,
    limit: Annotated[int, Query(ge=0, le=MOST)] = DEFAULT_LIMIT,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    order: Annotated[
        str, one_of(sign + name for name in listing.ORDERS for sign in ("", "-")), Query()
    ] = "-created_at",
) -> Response[str]:
    """Answers products with all that belongs to them."""
    asked = listing.Question(q, handle, frozenset(status or ()), order)
    found = listing.page(asked, offset, limit)
    products = ",".join(showing.several(found.ids))
    return answer(f'{{"products":[{products}],"count":{found.total},"offset":{offset},"limit":{limit}}}')


handler = app.lambda_handler
