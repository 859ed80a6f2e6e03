"""How files are answered."""

from collections.abc import Iterable

from aws_lambda_powertools.event_handler.api_gateway import Response

from batchyard.http.app import answer
from batchyard.jsontext import dumps
from batchyard.uploads import operations


def stored(keys: Iterable[str]) -> Response[str]:
    """The answer that is files just stored: the key of each, and a URL at which it can be read for an hour."""
    found = [{"url": operations.link(key), "key": key} for key in keys]
    return answer(dumps({"uploads": found}), headers={"Cache-Control": "no-store"})
