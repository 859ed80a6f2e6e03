"""Signatures of requests to AWS (Signature Version 4), made faster than botocore does, and the same to the byte.

botocore reads a request's headers four times and derives the key of the day anew for each request. Here that is done
once. What is not as all our calls are is left to botocore.

Why: docs/decisions.md#requests-are-signed-by-us-within-botocore
"""

from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING, Any, override

from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SIGV4_TIMESTAMP, SigV4Auth
from botocore.compat import get_current_datetime

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest

VERSION = "v4-batchyard"
"""The `signature_version` of clients that sign so; rules of endpoints look at what stands before its dash."""

_UNSIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)
# Those that the signature itself sets or reads.
_ITS_OWN = frozenset({"authorization", "date", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})
_MOST_TARGETS = 64
_targets: dict[tuple[str, str], tuple[str, str]] = {}


class Signer(SigV4Auth):
    """Signs requests by their headers."""

    _region_name: str
    _service_name: str

    @override
    def add_auth(self, request: "AWSRequest") -> None:
        """Signs a request.

        Raises:
            NoCredentialsError: There are no credentials.
        """
        headers = None if self.credentials is None or _is_unusual(request) else _signed(request)
        if headers is None:
            super().add_auth(request)
        else:
            self._sign_usual(request, headers)

    def _sign_usual(self, request: Any, headers: dict[str, str]) -> None:
        credentials: Any = self.credentials
        moment = request.context["timestamp"] = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        head, headers["host"] = self._target(request)
        request.headers["X-Amz-Date"] = headers["x-amz-date"] = moment
        if credentials.token:
            request.headers["X-Amz-Security-Token"] = headers["x-amz-security-token"] = credentials.token
        names = sorted(headers)
        lines = "\n".join([f"{name}:{' '.join(headers[name].split())}" for name in names])
        signed = ";".join(names)
        canonical = f"{head}\n{lines}\n\n{signed}\n{sha256(request.data).hexdigest()}"
        day = moment[:8]
        scope = f"{day}/{self._region_name}/{self._service_name}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = _key(credentials.secret_key, day, self._region_name, self._service_name)
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, "
            f"Signature={digest(key, to_sign.encode(), 'sha256').hex()}"
        )

    def _target(self, request: Any) -> tuple[str, str]:
        """The first lines of what is signed, and the host: both by the method and the URL, as botocore has them."""
        known = request.method, request.url
        found = _targets.get(known)
        if found is None:
            method, path, query, _ = self.canonical_request(request).split("\n", 3)
            found = f"{method}\n{path}\n{query}", str(self.headers_to_sign(request)["host"])
            if len(_targets) >= _MOST_TARGETS:
                _targets.clear()
            _targets[known] = found
        return found


def register() -> None:
    """Has clients of this `VERSION` sign so."""
    versions: dict[str, Any] = AUTH_TYPE_MAPS
    versions[VERSION] = Signer


def _is_unusual(request: Any) -> bool:
    """Whether more is to be signed than headers and bytes, or less."""
    context = request.context
    return (
        request.params
        or not isinstance(request.data, bytes)
        or "checksum" in context
        or not context.get("payload_signing_enabled", True)
    )


def _signed(request: Any) -> dict[str, str] | None:
    """The headers to sign, names in lower case; None where they are not all plain text, each once."""
    found: dict[str, str] = {}
    for name, value in request.headers.raw_items():
        key = name.lower()
        if key in _UNSIGNED:
            continue
        if key in found or key in _ITS_OWN or not isinstance(value, str) or not value.isascii():
            return None
        found[key] = value
    return found


@lru_cache(maxsize=8)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of a day."""
    key = f"AWS4{secret}".encode()
    for one in (day, region, service, "aws4_request"):
        key = digest(key, one.encode(), "sha256")
    return key
