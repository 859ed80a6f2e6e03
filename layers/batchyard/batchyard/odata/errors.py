"""The dialect of OData: `{"error": {"code", "message"}}`, or `odata.error` for version 3."""

from http import HTTPStatus
from typing import Any

from batchyard import errors
from batchyard.echoes import echo
from batchyard.errors import BatchyardError
from batchyard.http import finish, refusals
from batchyard.jsontext import dumps
from batchyard.odata.negotiation import VERSION_4, Version

_STATUS: dict[type[BatchyardError], tuple[HTTPStatus, str]] = {
    errors.Malformed: (HTTPStatus.BAD_REQUEST, "The request cannot be read."),
    errors.Invalid: (HTTPStatus.BAD_REQUEST, "The request is not valid."),
    errors.NotAuthenticated: (HTTPStatus.UNAUTHORIZED, "Authorization has been denied for this request."),
    errors.NotPermitted: (HTTPStatus.FORBIDDEN, "The token does not permit this."),
    errors.NotFound: (HTTPStatus.NOT_FOUND, "There is no such resource."),
    errors.MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "The method is not allowed."),
    errors.Lost: (HTTPStatus.GONE, "Its contents are lost."),
    errors.Conflict: (HTTPStatus.CONFLICT, "The request conflicts with the present state."),
    errors.PreconditionFailed: (HTTPStatus.PRECONDITION_FAILED, "The resource has changed since it was read."),
    errors.TooLarge: (HTTPStatus.CONTENT_TOO_LARGE, "The request or its answer is too large."),
    errors.UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The media type is not supported."),
    errors.NotSupported: (HTTPStatus.NOT_IMPLEMENTED, "This service does not do that."),
    errors.FailedDependency: (HTTPStatus.FAILED_DEPENDENCY, "A request that this one depends on failed."),
    errors.Throttled: (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests."),
    errors.Contended: (HTTPStatus.SERVICE_UNAVAILABLE, "Too many changes at once. Send it again."),
    errors.Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "The store is not available. Send it again."),
}

_UNFORESEEN = (HTTPStatus.INTERNAL_SERVER_ERROR, "An unforeseen error occurred.")


def _told(error: errors.Invalid) -> str:
    """All that is wrong, each with the name of the property where the sentence does not say it."""
    told = ((name, str(one)) for name, found in error.fields.items() for one in found)
    return " ".join(sentence if name in sentence else f"{name}: {sentence}" for name, sentence in told)


def answer(error: BatchyardError, version: Version = VERSION_4) -> tuple[int, dict[str, str], str]:
    """An error as OData clients read it: status, headers and body.

    Args:
        version: The version that the client asks for.
    """
    status, standard = refusals.standard(_STATUS, type(error), _UNFORESEEN)
    # Clients know it without a code.
    code = "" if status == HTTPStatus.UNAUTHORIZED else status.phrase.replace(" ", "")
    if isinstance(error, errors.Invalid) and error.code:
        code = error.code
    message = refusals.sentence(error, standard)
    if isinstance(error, errors.Invalid):
        message = echo(_told(error), refusals.LONGEST_SENTENCE)
    body: dict[str, Any] = {"error": {"code": code, "message": message}}
    if version.legacy:
        body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}}
    own = {"Content-Type": "application/json", **version.headers, **refusals.headers(error)}
    return status.value, {**finish.headers(keyed=True), **own}, dumps(body)
