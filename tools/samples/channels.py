"""Samples of channels."""

import re

from tools import sample_world as world
from tools.samples import looks
from tools.samples.sample import ADDRESS, http, route

_CHANNELS = "/api/v1/channels/"
_MARKETPLACE = {"pk": world.MARKETPLACE.pk, "name": "Sample marketplace", "is_active": True, "stale_after": None}

SAMPLES = {
    "list": route(
        "GET",
        _CHANNELS,
        http(
            200,
            {
                "count": 3,
                "next": None,
                "previous": None,
                "results": [_MARKETPLACE, {"pk": world.SLOW.pk}, {"pk": world.EMPTY.pk}],
            },
        ),
    ),
    "create": route(
        "POST",
        _CHANNELS,
        http(
            201,
            {"pk": int, "name": "Second marketplace", "is_active": True, "stale_after": 86400},
            location=re.compile(rf"{re.escape(ADDRESS)}/api/v1/channels/\d+/"),
        ),
        lambda: bool(looks.channel(1)()),
        True,
        body={"name": "Second marketplace", "stale_after": 86400},
    ),
    "retrieve": route("GET", f"{_CHANNELS}{world.MARKETPLACE.pk}/", http(200, _MARKETPLACE), like="channels/list"),
    "partial_update": route(
        "PATCH",
        f"{_CHANNELS}{world.MARKETPLACE.pk}/",
        http(200, {**_MARKETPLACE, "is_active": False}),
        lambda: (looks.channel(world.MARKETPLACE.pk)() or {}).get("is_active"),
        False,
        body={"is_active": False},
        repeatable=True,
        like="channels/create",
    ),
    "delete": route(
        "DELETE",
        f"{_CHANNELS}{world.EMPTY.pk}/",
        http(204),
        looks.channel(world.EMPTY.pk),
        like="channels/create",
    ),
}
