"""How batches are answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http.answers import etag, size_in_lambda
from batchyard.http.app import App, answer
from batchyard.http.urls import another_page
from batchyard.jsontext import dumps
from batchyard.product_batches import operations
from batchyard.product_batches.listing import Page
from batchyard.product_batches.rules import EXPIRED, ProductBatch

LARGEST_PAGE = 5 * 1024 * 1024
"""Bytes of the batches on a page, as Lambda counts them; a page has one batch at least, whatever its size."""


def batch(found: ProductBatch, exports: Sequence[Mapping[str, Any]] = ()) -> Response[str]:
    """The answer that is a batch, with its exports if there are any."""
    facts = found.to_answer(operations.link_domain())
    shown = {**facts, "exports": exports} if exports else facts
    return answer(dumps(shown), headers={"ETag": tag(found, exports)})


def tag(found: ProductBatch, exports: Sequence[Mapping[str, Any]] = ()) -> str:
    """The entity tag of the answer that is a batch: its version, and what goes on without a change of it."""
    # It is expired from its moment on, and stored so later.
    passing = [*([found.status] if found.status == EXPIRED else []), *exports]
    return etag(found.version, dumps(passing) if passing else "")


def page(app: App, found: Page) -> Response[str]:
    """The answer that is a list of batches; a `Link` header (RFC 8288) leads to the next page.

    Args:
        app: The app that answers it; its request tells the URL of the next page.
        found: The batches. Those that the answer has no room for are left to the next page, and not read.
    """
    domain = operations.link_domain()
    shown: list[str] = []
    size, cursor, last = 0, found.cursor, None
    for one in found.batches:
        text = dumps(one.to_answer(domain))
        size += size_in_lambda(text)
        if last is not None and (size > LARGEST_PAGE or len(shown) == found.limit):
            cursor = found.behind(last)
            break
        shown.append(text)
        last = one
    headers = {}
    if cursor:
        headers["Link"] = f'<{another_page(app.current_event.raw_event, "cursor", cursor)}>; rel="next"'
    return answer(f"[{','.join(shown)}]", headers=headers)
