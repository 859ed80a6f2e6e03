"""A PostgreSQL cluster of our own in a scratch folder, reached by a Unix socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.processes import cpu_seconds
from tests.benchmarks.report import MissingToolError

USER = "batchyard"
DATABASE = "postgres"


def _programs() -> Path:
    """Debian keeps the server's programs out of PATH, in a folder per version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise MissingToolError("PostgreSQL is not installed (apt-get install postgresql)")


class Cluster:
    """Default settings but for more shared buffers, so that all of the benchmark's data stays in memory."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="batchyard-postgres-"))
        # PostgreSQL refuses to run as root.
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def __enter__(self) -> Self:
        data = self._folder / "data"
        try:
            subprocess.run(
                [self._programs / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=self._folder,
                **self._identity,
            )
            settings = {
                "listen_addresses": "",
                "unix_socket_directories": str(self._folder),
                "shared_buffers": "1GB",
                "max_wal_size": "8GB",
                "shared_preload_libraries": "pg_stat_statements",
                "pg_stat_statements.track": "none",
            }
            # In the file and not on the command line, which would outrank ALTER SYSTEM.
            with (data / "postgresql.conf").open("a") as file:
                file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            with (self._folder / "log").open("wb") as log:
                self._server = subprocess.Popen(
                    [self._programs / "postgres", "-D", data],
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    **self._identity,
                )
            self._wait()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        self.sql("CREATE EXTENSION pg_stat_statements")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.send_signal(signal.SIGINT)
        self._server.wait(60)
        shutil.rmtree(self._folder)

    def _wait(self) -> None:
        for _ in range(100):
            ready = subprocess.run([self._programs / "pg_isready", "-q", "-h", self._folder, "-U", USER], check=False)
            if ready.returncode == 0:
                return
            if self._server.poll() is not None:
                break
            time.sleep(0.1)
        self._server.kill()
        raise RuntimeError((self._folder / "log").read_text())

    @property
    def environment(self) -> dict[str, str]:
        """What the Django settings read."""
        return {"DRF_DATABASE_SOCKET": str(self._folder), "DRF_DATABASE": DATABASE, "DRF_DATABASE_USER": USER}

    def sql(self, statement: str) -> str:
        return subprocess.run(
            [self._programs / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self._folder, "-U", USER, DATABASE],
            check=True,
            input=statement,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._server.pid)

    def track_blocks(self, on: bool) -> None:
        """Counting costs the server some time, so it is off while CPU is measured."""
        self.sql(f"ALTER SYSTEM SET pg_stat_statements.track = {'top' if on else 'none'}")
        self.sql("SELECT pg_reload_conf()")
        # The server's other processes see the new setting when they next look, between two statements.
        time.sleep(0.5)
        self.sql("SELECT pg_stat_statements_reset()")

    def blocks(self) -> int:
        """8 kB blocks that the statements since the last reset looked at."""
        return int(
            self.sql(
                "SELECT coalesce(sum(shared_blks_hit + shared_blks_read), 0) FROM pg_stat_statements"
                " WHERE query NOT LIKE '%pg_stat_statements%'"
            )
        )
