"""How batches are answered."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http.answers import carried, etag
from batchyard.http.app import App, answer
from batchyard.jsontext import dumps
from batchyard.product_batches import operations
from batchyard.product_batches.listing import Page, cursor_behind
from batchyard.product_batches.rules import ProductBatch

LARGEST_PAGE = 5 * 1024 * 1024
"""Bytes of the batches on a page, as Lambda counts them; a page has one batch at least, whatever its size."""


def batch(found: ProductBatch, exports: Sequence[Mapping[str, Any]] = ()) -> Response[str]:
    """The answer that is a batch, with its exports if there are any."""
    facts = found.to_answer(operations.link_domain())
    shown = {**facts, "exports": exports} if exports else facts
    return answer(dumps(shown), headers={"ETag": etag(found.version)})


def page(app: App, found: Page) -> Response[str]:
    """The answer that is a list of batches; a `Link` header (RFC 8288) leads to the next page.

    Args:
        app: The app that answers it; its request tells the URL of the next page.
        found: The batches. Those that the answer has no room for are left to the next page.
    """
    domain = operations.link_domain()
    shown: list[str] = []
    size, cursor = 0, found.cursor
    for number, one in enumerate(found.batches):
        text = one.to_json(domain)
        size += carried(text)
        if shown and size > LARGEST_PAGE:
            cursor = cursor_behind(found.batches[number - 1])
            break
        shown.append(text)
    headers = {"Link": f'<{_next_url(app, cursor)}>; rel="next"'} if cursor else {}
    return answer(f"[{','.join(shown)}]", headers=headers)


def _next_url(app: App, cursor: str) -> str:
    event = app.current_event.raw_event
    given = event.get("multiValueQueryStringParameters") or {
        name: [value] for name, value in (event.get("queryStringParameters") or {}).items()
    }
    parameters = [(name, value) for name, values in given.items() if name != "cursor" for value in values]
    path = quote(event["path"].rstrip("/"), safe="/%")
    return f"{app.base_url}{path}?{urlencode([*parameters, ('cursor', cursor)])}"
