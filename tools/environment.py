"""Where a deployment is and what opens it: from the environment, else from what the local stack wrote."""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

FILE = Path(".local/stack.env")
"""What the local stack writes, for a shell to read."""


def values(names: Iterable[str]) -> Mapping[str, str]:
    """The values of these variables that are set, and whatever else the local stack's file has."""
    found: dict[str, str] = {}
    if FILE.exists():
        for word in shlex.split(FILE.read_text(encoding="utf-8"), comments=True):
            name, separator, value = word.partition("=")
            if separator:
                found[name] = value
    return found | {name: os.environ[name] for name in names if os.environ.get(name)}


def is_local(base_url: str) -> bool:
    """Whether an address is on this machine: no proxy that the environment names can reach what listens here."""
    return urlsplit(base_url).hostname in {"localhost", "127.0.0.1"}
