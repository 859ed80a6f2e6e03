"""The operator's command on the local stack, and who is there from the beginning."""

import json
import secrets
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.local_stack.engine import StackError
from tools.local_stack.places import ROOT, STACK, settings_in

_USERS = ("operator", "colleague")
_CHANNEL = "Marketplace"
_SETTINGS = ("TOKEN", "OTHER_TOKEN", "CHANNEL_ID", "USERNAME", "PASSWORD")


class Operator:
    """Who runs the operator's command.

    Args:
        environment: The environment that it finds the engine by.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**environment, "PYTHONPATH": str(ROOT / "layers" / "batchyard")}

    def run(self, arguments: Sequence[str]) -> int:
        """Runs the command; returns its exit status."""
        return subprocess.run(_command(arguments), env=self._environment, check=False).returncode

    def ask(self, *arguments: str, typed: str = "") -> str:
        """What the command prints.

        Raises:
            StackError: It fails.
        """
        ended = subprocess.run(
            _command(arguments),
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise StackError(f"`{arguments[0]}` of the operator's command failed:\n{ended.stderr.strip()}")
        return ended.stdout

    def introduce(self, base_url: str, file: Path) -> None:
        """Makes two users with a token each, and a channel, unless they are there already.

        Args:
            base_url: The API's address.
            file: Where this and their keys are written.
        """
        known = settings_in(file)
        users = {user["name"] for user in self._listed("list-users")}
        channels = [str(channel["pk"]) for channel in self._listed("list-channels")]
        # Tokens from before there was a catalogue may do nothing with it.
        permitted = {token["user"] for token in self._listed("list-tokens") if token["catalogue"] == "write"}
        if not users.issuperset(_USERS) or not known.keys() >= {"TOKEN", "OTHER_TOKEN", "USERNAME", "PASSWORD"}:
            for name in users.intersection(_USERS):
                self.ask("delete-user", name)
            passwords = [secrets.token_urlsafe(12) for _ in _USERS]
            for name, password in zip(_USERS, passwords, strict=True):
                self.ask("create-user", name, "--admin", "--password-stdin", typed=f"{password}\n")
            known |= {"USERNAME": _USERS[0], "PASSWORD": passwords[0]}
            permitted = set()
        if not permitted.issuperset(_USERS):
            token, other = (self.ask("create-token", name, "--admin").strip() for name in _USERS)
            known |= {"TOKEN": token, "OTHER_TOKEN": other}
        if known.get("CHANNEL_ID") not in channels:
            known["CHANNEL_ID"] = self.ask("create-channel", _CHANNEL).strip()
        settings = {"BASE_URL": base_url, **{name: known[name] for name in _SETTINGS}}
        text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(text)

    def _listed(self, command: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ask(command).splitlines()]


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "batchyard.operator", "--stack", STACK, *arguments]
