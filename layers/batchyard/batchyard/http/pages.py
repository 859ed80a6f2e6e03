"""Pages as Django REST framework's `PageNumberPagination` answers them."""

from collections.abc import Sequence
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import WithJsonSchema

from batchyard.errors import NoSuchPage
from batchyard.http.app import App
from batchyard.http.fields import LONGEST_QUERY, QueryText
from batchyard.http.urls import another_page
from batchyard.jsontext import dumps

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100
LAST_PAGE = 999_999_999

# Both arrive as any text: a bad limit is ignored, and a bad page is none.
PageNumber = Annotated[
    QueryText,
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": LAST_PAGE}, {"type": "string", "maxLength": 0}],
            "default": 1,
        }
    ),
    Query(description="The page, from 1"),
]
Limit = Annotated[
    QueryText,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT},
                {"type": "string", "maxLength": LONGEST_QUERY},
            ],
            "default": DEFAULT_LIMIT,
        }
    ),
    Query(description=f"Results on a page, at most {LARGEST_LIMIT}; what is no number from 1 is ignored"),
]


def page_number(given: str | None) -> int:
    """The page that the query parameter `page` asks for.

    Raises:
        NoSuchPage: It is no page number.
    """
    if not given:
        return 1
    if not given.isascii() or not given.isdigit() or len(given) > len(str(LAST_PAGE)) or int(given) < 1:
        raise NoSuchPage
    return int(given)


def page_limit(given: str | None) -> int:
    """Results on a page, as the query parameter `limit` asks for."""
    if not given or not given.isascii() or not given.isdigit() or not int(given[:9]):
        return DEFAULT_LIMIT
    return min(int(given[:9]), LARGEST_LIMIT)


def body(app: App, number: int, results: Sequence[str], *, count: int, has_next: bool) -> str:
    """A page's JSON.

    Args:
        app: The app that answers it; its request tells the URLs of the pages around.
        number: The page, from 1.
        results: The results, each as JSON.
        count: Results on all pages.
        has_next: There is a page after this one.
    """
    following = _url(app, number + 1) if has_next else None
    previous = _url(app, number - 1) if number > 1 else None
    return f'{{"count":{count},"next":{dumps(following)},"previous":{dumps(previous)},"results":[{",".join(results)}]}}'


def _url(app: App, number: int) -> str:
    return another_page(app.current_event.raw_event, "page", str(number) if number > 1 else None, end="/")
