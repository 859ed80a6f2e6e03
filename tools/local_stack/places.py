"""Where the local stack's files, programs and addresses are."""

import json
import os
import shlex
import socket
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".local"
BUILD = ROOT / ".aws-sam" / "build"
TOOLS = ROOT / ".local" / "tools"
HOST = "127.0.0.1"
DEFAULT_PORT = 4566

STACK = "batchyard"
STAGE = "prod"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""What the engine takes for the account's root, who deploys. Functions get credentials of their own roles from it."""


def settings_in(file: Path) -> dict[str, str]:
    """What a file of `NAME=value` lines says."""
    words = shlex.split(file.read_text(), comments=True) if file.exists() else []
    return dict(word.split("=", 1) for word in words)


def last_port(home: Path) -> int:
    """The port of the stack in this folder, so that its addresses stay what they are."""
    running, settings = home / "engine.json", settings_in(home / "stack.env")
    if running.exists():
        return int(json.loads(running.read_text())["port"])
    return urlsplit(settings.get("BASE_URL", "")).port or DEFAULT_PORT


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def shown(path: Path) -> str:
    """A path as people read it."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-15:])
