"""The engine saves what it holds when it is stopped, and only then: killed, it would have lost all of it.

So it also saves in between, where somebody has asked for anything since. A copy of the process does it, as all of it
was at one moment, while the engine goes on.
"""

import asyncio
import contextlib
import os
import signal
import time
from typing import Any

_EVERY_S = 20
_LONGEST_S = 60


class Saver:
    """What saves in between.

    Args:
        app: The engine's module.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._save_all = app.save_all
        self._asked = 0
        self._child: int | None = None

    def counts(self, serve: Any) -> Any:
        """An application that does what another one does, and counts what it is asked."""

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self._asked += scope["type"] == "http"
            await serve(scope, receive, send)

        return counted

    def save_last(self, services: Any) -> None:
        """Saves when the engine stops; what a copy would still write is older."""
        self._end()
        self._save_all(services)

    async def go_on(self) -> None:
        """Saves again and again."""
        saved = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._asked == saved:
                continue
            saved = self._asked
            self._begin()
            until = time.monotonic() + _LONGEST_S
            while self._is_at_it() and time.monotonic() < until:
                await asyncio.sleep(0.2)
            # A thread that the copy does not have may have held a lock.
            self._end()

    def _begin(self) -> None:
        self._child = os.fork()
        if self._child == 0:
            try:
                self._save_all(self._app._build_persistence_save_dict())
            finally:
                # Neither what the engine does at its end, nor anything that it has begun.
                os._exit(0)

    def _is_at_it(self) -> bool:
        if self._child is not None and os.waitpid(self._child, os.WNOHANG) != (0, 0):
            self._child = None
        return self._child is not None

    def _end(self) -> None:
        if self._is_at_it() and self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = None


def mend(app: Any) -> None:
    """Has the engine save in between.

    Args:
        app: The engine's module.
    """
    saver, run_ready_scripts = Saver(app), app._run_ready_scripts

    async def ready() -> None:
        await run_ready_scripts()
        await saver.go_on()

    app.app = saver.counts(app.app)
    app.save_all = saver.save_last
    app._run_ready_scripts = ready
