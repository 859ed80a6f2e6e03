"""`events/`: the sample events, which AWS would hand to each function, for `sam local invoke`.

`events/<package>/<module>.json` is what a function is there for, and `<module>.<case>.json` a further case.
"""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

from tools.generate import ROOT

FOLDER = ROOT / "events"
"""Where they are, a folder for each family."""


def texts() -> dict[Path, str]:
    """The files and what they hold. Samples are for routes of the committed template, so that must be fresh."""
    from tools.samples import SAMPLES

    return {
        FOLDER / f"{name}.json": json.dumps(sample.event, ensure_ascii=False, indent=2) + "\n"
        for name, sample in SAMPLES.items()
    }


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
