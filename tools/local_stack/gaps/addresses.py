"""Started on another port, the engine would keep its former address in the URLs of queues, and send them nothing."""

import re
from pathlib import Path

from tools.local_stack.places import HOST

_SERVICES = ("cloudformation", "lambda", "sqs")


def move(saved: Path, url: str) -> None:
    """Puts the engine's present address in the place of former ones, in the folder of what it saved."""
    for service in _SERVICES:
        file = saved / f"{service}.json"
        if file.exists():
            file.write_text(re.sub(rf"http://{re.escape(HOST)}:\d+/", f"{url}/", file.read_text()))
