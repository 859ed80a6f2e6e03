"""Somebody at a terminal, with the client for people."""

import shlex
from dataclasses import dataclass

from rich.console import Console

from tools.demo.client import Differs
from tools.jobs import endings
from tools.jobs.__main__ import main
from tools.jobs.show import PROGRAM, Screen


@dataclass(frozen=True, slots=True)
class Person:
    """Calls the client in front of everybody, and says yes to what it asks.

    Args:
        out: Where everybody reads.
    """

    out: Console

    def __call__(self, *words: str, ends: int = endings.DONE) -> None:
        """Calls the client.

        Args:
            words: What is typed behind its name.
            ends: The exit code that it must have.

        Raises:
            Differs: It has another one.
        """
        self.out.print(f"$ {PROGRAM} {shlex.join(words)}", style="bold", soft_wrap=True)
        code = main(words, screen=Screen(self.out, is_interactive=True, ask=self._agree))
        if code == endings.INTERRUPTED:
            raise KeyboardInterrupt
        if code != ends:
            raise Differs(f"{words[0]} ended with {code} instead of {ends}")

    def remark(self, text: str) -> None:
        """Says what comes now, as a shell's comment."""
        self.out.print(f"\n# {text}", style="dim", soft_wrap=True)

    def _agree(self, question: str) -> str:
        self.out.print(f"{question}y", soft_wrap=True)
        return "y"
