"""`events/`: the sample events of `tools.events`."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

from tools import events


def texts() -> dict[Path, str]:
    """The files and what they hold."""
    return {events.FOLDER / f"{name}.json": events.text_of(event) for name, event in events.samples().items()}


def meaning(text: str) -> Any:
    """What a file says, its compressed parts as text: versions of zlib differ in the bytes that they make of it."""
    return _unzipped(json.loads(text))


def _unzipped(value: Any) -> Any:
    match value:
        case {"B": str(compressed), **rest} if not rest:
            return {"B": zlib.decompress(base64.b64decode(compressed)).decode()}
        case dict():
            return {name: _unzipped(part) for name, part in value.items()}
        case list():
            return [_unzipped(part) for part in value]
        case _:
            return value
