"""GET /admin/products/{id}: a product."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from batchyard.catalogue import showing
from batchyard.catalogue.schemas import OneProduct
from batchyard.http import typed
from batchyard.http.app import App, answer
from batchyard.scope import Rights

app = App(typed, Rights(catalogue=True), closed_query=True)

LONGEST_ID = 64


@app.get(
    "/admin/products/<id>",
    summary="Retrieve a product",
    operation_id="retrieveProduct",
    tags=["Products"],
    responses=typed.documented(200, OneProduct, 400, 401, 403, 404, 410, 413),
)
def retrieve_product(id: Annotated[str, Path(max_length=LONGEST_ID)]) -> Response[str]:
    """Answers a product with all that belongs to it."""
    return answer(f'{{"product":{showing.one(id)}}}')


handler = app.lambda_handler
