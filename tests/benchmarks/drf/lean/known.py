"""Tokens and channels that were looked up within the last minute, as Batchyard keeps them."""

import time
from collections.abc import Callable
from typing import Any

from django.http import Http404
from lean.models import Channel
from rest_framework.authentication import TokenAuthentication

_KEPT_SECONDS = 60
_kept: dict[tuple[str, Any], tuple[float, Any]] = {}


def _recent(kind: str, key: Any, look_up: Callable[[Any], Any]) -> Any:
    found = _kept.get((kind, key))
    if found is None or found[0] < time.monotonic():
        found = _kept[kind, key] = (time.monotonic() + _KEPT_SECONDS, look_up(key))
    return found[1]


class CachedTokenAuthentication(TokenAuthentication):
    def authenticate_credentials(self, key: str) -> Any:
        return _recent("token", key, super().authenticate_credentials)


def must_be_channel(pk: int) -> None:
    if not _recent("channel", pk, lambda pk: Channel.objects.filter(pk=pk).exists()):
        raise Http404
