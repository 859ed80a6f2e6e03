"""A Django service under gunicorn with one worker, and a client of it whose connection stays open."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.drf.environment import HERE
from tests.benchmarks.drf.postgres import Cluster
from tests.benchmarks.processes import children, cpu_seconds


class Server:
    """One of the services.

    Args:
        package: Which one: `lean` or `nested`.
        venv: The environment that it runs in.
        cluster: Its database, in which it has tables of its own.
    """

    def __init__(self, package: str, venv: Path, cluster: Cluster) -> None:
        self.package = package
        self._bin = venv / "bin"
        self._cluster = cluster
        self._environment = {
            **os.environ,
            **cluster.environment,
            "DRF_SECRET_KEY": secrets.token_hex(),
            "DJANGO_SETTINGS_MODULE": f"{package}.settings",
        }

    def __enter__(self) -> Self:
        self._django("migrate", "--run-syncdb", "--verbosity=0")
        self._cluster.sql(f"INSERT INTO {self.package}_channel (id, name, is_active) VALUES (1, 'benchmark', true)")
        self._token = self._user()
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._port = listener.getsockname()[1]
        self._process = subprocess.Popen(
            [
                self._bin / "gunicorn",
                f"{self.package}.wsgi",
                "--workers=1",
                # The one that keeps connections open.
                "--worker-class=gthread",
                "--threads=1",
                "--keep-alive=75",
                "--log-level=error",
                f"--bind=fd://{listener.fileno()}",
            ],
            pass_fds=[listener.fileno()],
            cwd=HERE,
            env=self._environment,
        )
        listener.close()
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._connection.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def _wait(self) -> None:
        """The worker is there, has imported the service and has opened its database connection."""
        for _ in range(100):
            if self._process.poll() is not None:
                raise RuntimeError("gunicorn did not start")
            if children(self._process.pid):
                self.call("GET", "/api/v1/channel/1/batch_requests/")
                return
            time.sleep(0.1)
        raise RuntimeError("gunicorn started no worker")

    def _django(self, *command: str) -> str:
        return subprocess.run(
            [self._bin / "python", "-m", "django", *command],
            check=True,
            cwd=HERE,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()

    def _user(self) -> str:
        return self._django(
            "shell",
            "--verbosity=0",
            "--command",
            "from django.contrib.auth.models import User; from rest_framework.authtoken.models import Token;"
            f"print(Token.objects.create(user=User.objects.create(username='{self.package}')).key)",
        )

    def call(self, method: str, target: str, body: object = None) -> Any:
        """The decoded answer; anything but success is a mistake of the benchmark."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        try:
            self._connection.request(method, target, content, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # The other service had its turn for longer than the connection is kept.
            self._connection.close()
            self._connection.request(method, target, content, headers)
            answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {target} answered {answer.status}: {text[:500]!r}")
        return json.loads(text)

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)
