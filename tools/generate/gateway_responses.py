"""What API Gateway answers by itself, in the words of all dialects.

One response is for all routes of the API, so a body has what clients of any family read: `detail` as Django REST
framework has it, the fields of product batches beside it, the `type` of the catalogue's jobs (which read `message`,
too), and OData's `error`. Who may not come in reads `detail` alone, as the routes of the others answer that by
themselves.
"""

import copy
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from batchyard import errors
from batchyard.errors import BatchyardError
from batchyard.http import coded, drf, finish, typed
from batchyard.jsontext import dumps
from batchyard.odata import errors as odata

_IN_WORDS = "$context.error.messageString"


@dataclass(frozen=True, slots=True)
class _Own:
    """What a kind of response is, where the functions have the same.

    Args:
        error: The error that a function would raise.
        status: The status, where the gateway has one of its own.
        detail: What DRF's clients read, where its standard words do not fit.
        code: The name for programs, where the standard one does not fit.
        message: What clients of product batches read, where the standard words do not fit.
        any_status: It stands for several statuses, and says none.
        admits_nobody: It is about who is asking.
    """

    error: BatchyardError
    status: HTTPStatus | None = None
    detail: str | None = None
    code: str | None = None
    message: str | None = None
    any_status: bool = False
    admits_nobody: bool = False


_NO_ANSWER = _Own(
    BatchyardError(), HTTPStatus.GATEWAY_TIMEOUT, code="GATEWAY_TIMEOUT", message="The service did not answer."
)
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
_KINDS = {
    "UNAUTHORIZED": _Own(errors.NotAuthenticated(), admits_nobody=True),
    # A Deny of the authorizer says that the token is no good, and clients only log in again on 401.
    "ACCESS_DENIED": _Own(errors.NotAuthenticated(), detail="Invalid token.", admits_nobody=True),
    "MISSING_AUTHENTICATION_TOKEN": _Own(errors.NotFound()),
    "THROTTLED": _Own(errors.Throttled(1), detail="Request was throttled. Expected available in 1 second."),
    "QUOTA_EXCEEDED": _Own(errors.Throttled(60), detail=errors.Throttled(60).detail),
    # The web ACL refuses nothing but too many requests from one address.
    "WAF_FILTERED": _Own(errors.Throttled(60), detail=errors.Throttled(60).detail),
    "REQUEST_TOO_LARGE": _Own(
        errors.TooLarge(), detail="Request body is too large.", message="The request is too large."
    ),
    "BAD_REQUEST_BODY": _Own(errors.Malformed()),
    "BAD_REQUEST_PARAMETERS": _Own(errors.Malformed()),
    "UNSUPPORTED_MEDIA_TYPE": _Own(errors.UnsupportedMediaType("")),
    "DEFAULT_4XX": _Own(
        BatchyardError(), detail=_IN_WORDS, code="$context.error.responseType", message=_IN_WORDS, any_status=True
    ),
    "AUTHORIZER_FAILURE": _Own(BatchyardError()),
    "AUTHORIZER_CONFIGURATION_ERROR": _Own(BatchyardError()),
    "INTEGRATION_FAILURE": _NO_ANSWER,
    "INTEGRATION_TIMEOUT": _NO_ANSWER,
    "DEFAULT_5XX": _Own(BatchyardError(), any_status=True),
}


def text() -> str:
    """The API's `GatewayResponses`."""
    return "".join(_response(kind, own) for kind, own in _KINDS.items())


def _response(kind: str, own: _Own) -> str:
    # Without words of its own, so that each dialect takes its standard ones.
    error = copy.copy(own.error)
    error.detail = None
    plain, named = drf.answer(error), coded.answer(error)
    status = own.status or plain.status_code
    body = json.loads(plain.body or "")
    if not own.admits_nobody:
        body |= json.loads(named.body or "") | {"code": int(status)}
        body["type"] = json.loads(typed.answer(error).body or "")["type"]
        _, _, text = odata.answer(error)
        body["error"] = json.loads(text)["error"]
        if own.status is not None:
            body["error"]["code"] = own.status.phrase.replace(" ", "")
        elif own.any_status and own.code is not None:
            body["error"]["code"] = own.code
        if own.message is not None:
            body["error"]["message"] = own.message
    own_words = {"detail": own.detail, "errorCode": own.code, "message": own.message}
    body |= {name: words for name, words in own_words.items() if words is not None}
    if own.any_status:
        del body["code"]
    lines = [f"{kind}:\n"]
    if not own.any_status:
        lines.append(f"  StatusCode: {int(status)}\n")
    lines.append(f"  ResponseTemplates: {{application/json: {_scalar(body)}}}\n")
    # The media type is the template's own.
    said = {**finish.headers(keyed=True), **plain.headers}
    headers = [f"{name}: \"'{value}'\"" for name, value in said.items() if name != "Content-Type"]
    lines.append(f"  ResponseParameters: {{Headers: {{{', '.join(headers)}}}}}\n")
    return "".join(lines)


def _scalar(body: dict[str, Any]) -> str:
    """A body as YAML. What the gateway puts in its words has quotes of its own, as its documentation has it."""
    return "'" + dumps(body).replace(f'"{_IN_WORDS}"', _IN_WORDS).replace("'", "''") + "'"
