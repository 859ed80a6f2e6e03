"""What HTTP asks of every answer, whichever route made it.

That is: conditions of reads, no content for HEAD, and what caches and browsers may do with it.

Why: docs/decisions.md#what-http-asks-of-every-answer-is-done-in-one-place
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from batchyard.errors import PreconditionFailed
from batchyard.http.answers import tag_of
from batchyard.http.caller import KEY_HEADERS
from batchyard.http.preconditions import Preconditions

READS = frozenset({"GET", "HEAD"})
"""Methods that ask for what there is (RFC 9110, 9.2.1)."""

# A browser must take no answer for a page or a script that its media type does not make it.
_OF_ALL = {"X-Content-Type-Options": "nosniff"}


def headers(*, keyed: bool, also_by: str = "") -> dict[str, str]:
    """The headers that an answer has unless its route says otherwise.

    Args:
        keyed: It depends on whose key was sent.
        also_by: Another header of the request that it depends on.
    """
    found = {**_OF_ALL, "Cache-Control": "no-store"}
    varying = [*([also_by] if also_by else []), *(("Authorization", *KEY_HEADERS) if keyed else ())]
    return {**found, "Vary": ", ".join(varying)} if varying else found


def conditional(event: Mapping[str, Any], answered: dict[str, Any], *, tagged: bool) -> dict[str, Any]:
    """The answer to a read, or that it is the one which the client has (RFC 9110, 13.2).

    Args:
        event: The request's API Gateway event.
        answered: The route's answer, as API Gateway wants it.
        tagged: An answer that names no entity tag gets one of its content.

    Raises:
        PreconditionFailed: It is not the one that the client asks for.
    """
    if event.get("httpMethod") not in READS or answered["statusCode"] != HTTPStatus.OK:
        return answered
    fields = answered["multiValueHeaders"]
    if tagged and "ETag" not in fields:
        fields["ETag"] = [tag_of(answered["body"])]
    [tag] = fields.get("ETag") or [None]
    conditions = Preconditions.of(event)
    if not conditions.is_matched(tag):
        raise PreconditionFailed
    if not conditions.is_excluded(tag):
        return answered
    kept = {name: values for name, values in fields.items() if name != "Content-Type"}
    return {**answered, "statusCode": HTTPStatus.NOT_MODIFIED.value, "multiValueHeaders": kept, "body": ""}


def without_content(event: Mapping[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    """The answer, without its content where that was not asked for."""
    return {**answered, "body": "", "isBase64Encoded": False} if event.get("httpMethod") == "HEAD" else answered
