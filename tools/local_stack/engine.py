"""The MiniStack process: started on what it saved, stopped so that it saves; it also does in between (`saving`)."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

from tools.local_stack.gaps import addresses, escapes, stream_positions
from tools.local_stack.places import CREDENTIALS, HOST, TOOLS, tail

_START_SECONDS = 120
_STOP_SECONDS = 180
_FORMER = "former-"


class StackError(Exception):
    """The local stack cannot do what is asked; the message says why and what helps."""


class Engine:
    """The MiniStack process.

    Args:
        home: The folder for its state and log.
        port: Where it listens.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log = home / "engine.log"
        self._record = home / "engine.json"
        self._state = home / "state"
        self._process: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether the engine of this folder runs.

        Raises:
            StackError: It runs on another port.
        """
        record = self._running()
        if record is not None and record["port"] != self.port:
            raise StackError(f"The local stack runs on port {record['port']} already; `make down` stops it.")
        return record is not None

    def was_stopped(self) -> bool:
        """Whether it was told to stop, by this process or another one, after it was started."""
        return not self._record.exists()

    def start(self) -> None:
        """Starts the engine on what it saved when it was stopped, and waits until it answers.

        Raises:
            StackError: The port is taken, or the engine does not come up.
        """
        self._claim_port()
        python = TOOLS / "ministack" / "bin" / "python"
        if not python.exists():
            raise StackError(f"{python} is missing; `make setup` installs it.")
        scratch = self.home / "tmp"
        self._clear_away(scratch)
        for folder in (scratch, self._state, self.home / "s3"):
            folder.mkdir(parents=True, exist_ok=True)
        stream_positions.forget(self._state)
        addresses.move(self._state, self.url)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                # Without the folder of the program, whose modules the engine could take for others.
                [python, "-P", escapes.__file__],
                cwd=self.home,
                env=self._environment(scratch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal is for us, who then stop the engine so that it saves its state.
                start_new_session=True,
            )
        self._record.write_text(json.dumps({"pid": self._process.pid, "port": self.port}))
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise StackError(f"The engine ended with status {self._process.returncode}:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise StackError(f"The engine does not answer after {_START_SECONDS} s:\n{tail(self.log)}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stops the engine, which saves its state then; nothing happens where it does not run.

        Raises:
            StackError: It does not end.
        """
        record = self._running()
        if record is not None:
            os.kill(record["pid"], signal.SIGTERM)
            deadline = time.monotonic() + _STOP_SECONDS
            while self._running() is not None:
                if time.monotonic() > deadline:
                    raise StackError(f"The engine (process {record['pid']}) does not end after {_STOP_SECONDS} s.")
                time.sleep(0.1)
        self._record.unlink(missing_ok=True)
        self._clear_away(self.home / "tmp")

    def _clear_away(self, scratch: Path) -> None:
        """Removes what functions ran from: copies of the layers for each of them, gigabytes that nobody waits for."""
        if scratch.exists():
            scratch.rename(self.home / f"{_FORMER}{time.time_ns()}")
        former = list(self.home.glob(f"{_FORMER}*"))
        if former:
            # By a process of nobody's: this one may end before it has.
            subprocess.run(
                ["sh", "-c", 'rm -rf -- "$@" &', "sh", *former],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                check=True,
            )

    def client(self, service: str) -> Any:
        """An AWS client of the engine's root user."""
        return botocore.session.Session().create_client(
            service,
            region_name=CREDENTIALS["AWS_REGION"],
            endpoint_url=self.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, read_timeout=900, retries={"total_max_attempts": 1}),
        )

    def _running(self) -> dict[str, int] | None:
        """What was recorded of the process, if it still runs."""
        if not self._record.exists():
            return None
        record: dict[str, int] = json.loads(self._record.read_text())
        if self._process is not None and self._process.pid == record["pid"]:
            return record if self._process.poll() is None else None
        found = subprocess.run(
            ["ps", "-o", "stat=", "-o", "command=", "-p", str(record["pid"])],
            capture_output=True,
            text=True,
            check=False,
        )
        state, _, command = found.stdout.strip().partition(" ")
        # Process numbers are used again, by other programs; and one that has ended may wait for its parent to notice.
        return record if "ministack" in command and not state.startswith("Z") else None

    def _claim_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise StackError(
                    f"Port {self.port} is taken ({error.strerror}). Stop what listens there, or choose another port: "
                    f"BATCHYARD_PORT={self.port + 1}"
                ) from None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return get(f"{self.url}/_ministack/health")[0] == http.HTTPStatus.OK
        return False

    def _environment(self, scratch: Path) -> dict[str, str]:
        """All of the engine's environment; the functions inherit it, so nothing of the caller's gets in."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(scratch),
            "AUTH": "true",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": CREDENTIALS["AWS_REGION"],
            "AWS_DEFAULT_REGION": CREDENTIALS["AWS_REGION"],
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            # What is not used here would listen on further ports, or clear away containers that are not ours.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        }


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and body of a GET that no proxy of the environment gets to see."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    try:
        connection.request("GET", parts.path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
