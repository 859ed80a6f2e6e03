"""The system, deployed on an engine: up and down."""

import contextlib
import fcntl
import http
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.local_stack.deployment import Deployment
from tools.local_stack.engine import Engine, StackError, get
from tools.local_stack.operator import Operator
from tools.local_stack.places import CREDENTIALS, HOST, settings_in, shown, tail

_READY_SECONDS = 120


class LocalStack:
    """The system, deployed on an engine.

    Args:
        home: The folder for everything that it keeps.
        port: Where the engine listens.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.engine = Engine(home, port)
        self._deployment = Deployment(self.engine, home / "deploy.log", self.environment)
        self._operator = Operator(self.environment)
        self._settings = home / "stack.env"

    @property
    def base_url(self) -> str:
        """The API's address."""
        return self._deployment.base_url

    @property
    def settings(self) -> dict[str, str]:
        """What `stack.env` says: `BASE_URL`, `TOKEN`, `OTHER_TOKEN`, `CHANNEL_ID`, `USERNAME` and `PASSWORD`."""
        return settings_in(self._settings)

    @property
    def environment(self) -> dict[str, str]:
        """The caller's environment with the engine in place of AWS."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**own, **CREDENTIALS, "AWS_ENDPOINT_URL": self.engine.url, "NO_PROXY": HOST, "no_proxy": HOST}

    def up(self) -> None:
        """Starts and deploys whatever is not yet, and returns once the API answers.

        Raises:
            StackError: Something does not come up.
        """
        with self._alone():
            started = not self.engine.is_running()
            if started:
                say(f"Starting the engine on port {self.engine.port}")
                self.engine.start()
            present = self._deployment.present()
            if present != self._deployment.wanted():
                say("Deploying template.yaml")
                began = time.monotonic()
                self._deployment.deploy()
                say(f"Deployed in {time.monotonic() - began:.0f} s")
            self._operator.introduce(self.base_url, self._settings)
            self._wait_until_ready()
            if started and present is not None:
                # Changes that no stream handler had seen when the engine was stopped are not in the counts.
                self._invoke("RecountBatchRequestsFunction")
                self._invoke("RecountEntitiesFunction")
            say(f"Up: {self.base_url} (tokens in {shown(self._settings)})")

    def deploy(self) -> None:
        """Deploys what is packaged, whatever is there.

        Raises:
            StackError: It cannot be deployed.
        """
        self._deployment.deploy()

    def down(self) -> None:
        """Stops the engine; its data stays.

        Raises:
            StackError: The engine does not end.
        """
        with self._alone():
            self.engine.stop()

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the template is called on the engine."""
        return self._deployment.physical_id(logical_id)

    def operate(self, arguments: Sequence[str]) -> int:
        """Runs the operator's command on this stack; returns its exit status."""
        # What it can do is told anywhere.
        if not {"-h", "--help"}.intersection(arguments) and not self.engine.is_running():
            raise StackError("The local stack is not up (`make up`). For one on AWS: make operator STACK=NAME ARGS=…")
        return self._operator.run(arguments)

    def _invoke(self, logical_id: str) -> None:
        answer = self.engine.client("lambda").invoke(FunctionName=self.physical_id(logical_id), Payload=b"{}")
        if "FunctionError" in answer:
            raise StackError(f"{logical_id} failed: {answer['Payload'].read().decode()}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        authorization = {"Authorization": f"Token {self.settings['TOKEN']}"}
        while True:
            status, body = get(f"{self.base_url}/api/v1/active_user/", authorization)
            if status == http.HTTPStatus.OK:
                return
            if time.monotonic() > deadline:
                raise StackError(f"The API answers {status} {body}\n{tail(self.engine.log)}")
            time.sleep(0.5)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Has a second command wait until the first one is done."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def say(text: str) -> None:
    """Tells on the terminal what goes on."""
    print(text, flush=True)
