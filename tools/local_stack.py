"""The whole system on this machine: the real template, deployed to a local engine, with its data on disk.

    python -m tools.local_stack up|run|down|status

The engine is MiniStack in an environment of its own, on the loopback address only, and it enforces the template's IAM
policies. `make build` has packaged what is deployed. Everything that the engine keeps is below `.local`, and
`.local/stack.env` says how to reach the API. Some of what AWS does the engine leaves out; `_complete_api` and
`_mend_state` make up for that, and say what it is.
"""

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import platform
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".local"
BUILD = ROOT / ".aws-sam" / "build"
DEFAULT_PORT = 4566

_TOOLS = ROOT / ".local" / "tools"
_HOST = "127.0.0.1"
_BASE_PATH = "batchyard"
_STACK = "batchyard"
_PACKAGES = "batchyard-packages"
_STAGE = "prod"
_USERS = ("operator", "colleague")
_CHANNEL = "Marketplace"
_SETTINGS = ("TOKEN", "OTHER_TOKEN", "CHANNEL_ID", "USERNAME", "PASSWORD")
_START_SECONDS = 120
_STOP_SECONDS = 180

# The engine takes this key for the account's root, who deploys. Functions get credentials of their own roles from it.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


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
        self.url = f"http://{_HOST}:{port}"
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
        program = _TOOLS / "ministack" / "bin" / "ministack"
        if not program.exists():
            raise StackError(f"{program} is missing; `make setup` installs it.")
        scratch = self.home / "tmp"
        # Code of functions that ran in a former life.
        shutil.rmtree(scratch, ignore_errors=True)
        for folder in (scratch, self._state, self.home / "s3"):
            folder.mkdir(parents=True, exist_ok=True)
        self._mend_state()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [program],
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
                raise StackError(f"The engine ended with status {self._process.returncode}:\n{_tail(self.log)}")
            if time.monotonic() > deadline:
                raise StackError(f"The engine does not answer after {_START_SECONDS} s:\n{_tail(self.log)}")
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

    def client(self, service: str) -> Any:
        """An AWS client of the engine's root user."""
        return botocore.session.Session().create_client(
            service,
            region_name=_CREDENTIALS["AWS_REGION"],
            endpoint_url=self.url,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
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
                probe.bind((_HOST, self.port))
            except OSError as error:
                raise StackError(
                    f"Port {self.port} is taken ({error.strerror}). Stop what listens there, or choose another port: "
                    f"BATCHYARD_PORT={self.port + 1}"
                ) from None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return _get(f"{self.url}/_ministack/health")[0] == http.HTTPStatus.OK
        return False

    def _environment(self, scratch: Path) -> dict[str, str]:
        """All of the engine's environment; the functions inherit it, so nothing of the caller's gets in."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(scratch),
            "AUTH": "true",
            "BIND_HOST": _HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": _HOST,
            "MINISTACK_REGION": _CREDENTIALS["AWS_REGION"],
            "AWS_DEFAULT_REGION": _CREDENTIALS["AWS_REGION"],
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            # What is not used here would listen on further ports, or clear away containers that are not ours.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        }

    def _mend_state(self) -> None:
        """Mends what the engine saved so that it goes on where it was stopped.

        It saves how many changes of a table each stream handler has read, but not the changes, and would have the
        handlers wait until as many new ones have come: they begin with the first change after the start instead. And
        queues, whose URLs hold the port, would get no messages on another one.
        """
        for service in ("cloudformation", "lambda", "sqs"):
            saved = self._state / f"{service}.json"
            if saved.exists():
                state = json.loads(re.sub(rf"http://{re.escape(_HOST)}:\d+/", f"{self.url}/", saved.read_text()))
                if service == "lambda":
                    state["payload"]["dynamodb_stream_positions"] = {}
                saved.write_text(json.dumps(state))


class LocalStack:
    """The system, deployed on an engine.

    Args:
        home: The folder for everything that it keeps.
        port: Where the engine listens.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.engine = Engine(home, port)
        self.base_url = f"{self.engine.url}/{_BASE_PATH}"
        self._settings = home / "stack.env"

    @property
    def settings(self) -> dict[str, str]:
        """What `stack.env` says: `BASE_URL`, `TOKEN`, `OTHER_TOKEN`, `CHANNEL_ID`, `USERNAME` and `PASSWORD`."""
        return _settings(self._settings)

    def up(self) -> None:
        """Starts and deploys whatever is not yet, and returns once the API answers.

        Raises:
            StackError: Something does not come up.
        """
        with self._alone():
            started = not self.engine.is_running()
            if started:
                _say(f"Starting the engine on port {self.engine.port}")
                self.engine.start()
            wanted = self._fingerprint()
            deployed = self._deployed()
            if deployed != wanted:
                _say("Deploying template.yaml (half a minute)")
                self._deploy()
                self._complete_api(wanted)
            self._introduce()
            self._wait_until_ready()
            if started and deployed is not None:
                # Changes that no stream handler had seen when the engine was stopped are not in the counts.
                self._invoke("RecountBatchRequestsFunction")
            _say(f"Up: {self.base_url} (tokens in {_shown(self._settings)})")

    def down(self) -> None:
        """Stops the engine; its data stays.

        Raises:
            StackError: The engine does not end.
        """
        with self._alone():
            self.engine.stop()

    def _deployed(self) -> str | None:
        """The fingerprint of what is deployed completely: `_complete_api` leaves it, as its last step."""
        api = self.engine.client("apigateway")
        try:
            mapping = api.get_base_path_mapping(domainName=_HOST, basePath=_BASE_PATH)
            stage = api.get_stage(restApiId=mapping["restApiId"], stageName=mapping["stage"])
            deployment = api.get_deployment(restApiId=mapping["restApiId"], deploymentId=stage["deploymentId"])
        except api.exceptions.NotFoundException:
            return None
        return str(deployment.get("description", ""))

    def _fingerprint(self) -> str:
        """What tells one deployment from another: the packaged files and the parameters."""
        if not (BUILD / "template.yaml").exists():
            raise StackError(f"{_shown(BUILD)} is missing; `make build` packages what is deployed.")
        digest = hashlib.sha256(repr(sorted(self._parameters().items())).encode())
        for file in sorted(BUILD.rglob("*")):
            if file.is_file():
                digest.update(f"\n{file.relative_to(BUILD)} ".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def _parameters(self) -> dict[str, str]:
        architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
        return {"Architecture": architecture, "Stage": _STAGE, "PublicUrl": self.base_url}

    def _deploy(self) -> None:
        cloudformation = self.engine.client("cloudformation")
        if self._status() in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"}:
            # What never came up can only be deleted.
            cloudformation.delete_stack(StackName=_STACK)
        s3 = self.engine.client("s3")
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(
                Bucket=_PACKAGES, CreateBucketConfiguration={"LocationConstraint": _CREDENTIALS["AWS_REGION"]}
            )
        sam = _TOOLS / "sam" / "bin" / "sam"
        if not sam.exists():
            raise StackError(f"{sam} is missing; `make setup` installs it.")
        log = self.home / "deploy.log"
        with log.open("wb") as output:
            ended = subprocess.run(
                [
                    *(sam, "deploy", "--config-file", ROOT / "samconfig.toml", "--config-env", "local"),
                    *("--template-file", BUILD / "template.yaml", "--parameter-overrides"),
                    *(f"{name}={value}" for name, value in self._parameters().items()),
                ],
                cwd=self.home,
                env=self._environment() | {"SAM_CLI_TELEMETRY": "0"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if ended.returncode or not str(self._status()).endswith("_COMPLETE") or "ROLLBACK" in str(self._status()):
            raise StackError(f"The deployment failed.\n{self._reasons() or _tail(log)}\nMore in {_shown(log)}.")

    def _status(self) -> str | None:
        cloudformation = self.engine.client("cloudformation")
        try:
            return str(cloudformation.describe_stacks(StackName=_STACK)["Stacks"][0]["StackStatus"])
        except ClientError:
            return None

    def _reasons(self) -> str:
        """Why resources failed, the latest first."""
        try:
            events = self.engine.client("cloudformation").describe_stack_events(StackName=_STACK)["StackEvents"]
        except ClientError:
            return ""
        return "\n".join(
            f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        )

    def _complete_api(self, fingerprint: str) -> None:
        """Does what the engine leaves out when it imports the API, and gives the API its address.

        It does not take gateway responses and `ANY` methods from the OpenAPI document that SAM makes of the template,
        and gives the API a new ID whenever that changes. A base path of the engine's address stays what it is.
        """
        api = self.engine.client("apigateway")
        api_id = self.physical_id("Api")
        template = self.engine.client("cloudformation").get_template(StackName=_STACK, TemplateStage="Processed")
        document = template["TemplateBody"]["Resources"]["Api"]["Properties"]["Body"]
        for kind, answer in document["x-amazon-apigateway-gateway-responses"].items():
            status = {"statusCode": str(answer["statusCode"])} if "statusCode" in answer else {}
            api.put_gateway_response(
                restApiId=api_id,
                responseType=kind,
                responseParameters=answer.get("responseParameters", {}),
                responseTemplates=answer["responseTemplates"],
                **status,
            )
        resources = {found["path"]: found["id"] for found in api.get_resources(restApiId=api_id, limit=500)["items"]}
        authorizers = {found["name"]: found["id"] for found in api.get_authorizers(restApiId=api_id)["items"]}
        for path, operations in document["paths"].items():
            if method := operations.get("x-amazon-apigateway-any-method"):
                where = {"restApiId": api_id, "resourceId": resources[path], "httpMethod": "ANY"}
                asked = authorizers.keys() & method["security"][0].keys()
                guard = {"authorizationType": "CUSTOM", "authorizerId": authorizers[asked.pop()]} if asked else {}
                api.put_method(**where, **(guard or {"authorizationType": "NONE"}))
                uri = self._resolved(method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"])
                api.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        api.create_domain_name(domainName=_HOST)
        api.create_base_path_mapping(domainName=_HOST, basePath=_BASE_PATH, restApiId=api_id, stage=_STAGE)
        api.create_deployment(restApiId=api_id, stageName=_STAGE, description=fingerprint)

    def _resolved(self, uri: str) -> str:
        """An integration's URI, with the function's ARN in it."""
        region = _CREDENTIALS["AWS_REGION"]
        function = re.search(r"\$\{(\w+)\.Arn\}", uri)
        assert function is not None, uri
        lambda_ = self.engine.client("lambda")
        found = lambda_.get_function_configuration(FunctionName=self.physical_id(function[1]))
        resolved = uri.replace(function[0], found["FunctionArn"])
        return resolved.replace("${AWS::Region}", region).replace("${AWS::Partition}", "aws")

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the template is called on the engine."""
        cloudformation = self.engine.client("cloudformation")
        found = cloudformation.describe_stack_resource(StackName=_STACK, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _introduce(self) -> None:
        """Makes two users with a token each, and a channel, unless they are there already; writes `stack.env`."""
        known = self.settings
        users = {json.loads(line)["name"] for line in self._operate("list-users").splitlines()}
        channels = [str(json.loads(line)["pk"]) for line in self._operate("list-channels").splitlines()]
        if not users.issuperset(_USERS) or not known.keys() >= {"TOKEN", "OTHER_TOKEN", "USERNAME", "PASSWORD"}:
            for name in users.intersection(_USERS):
                self._operate("delete-user", name)
            passwords = [secrets.token_urlsafe(12) for _ in _USERS]
            for name, password in zip(_USERS, passwords, strict=True):
                self._operate("create-user", name, "--admin", "--password-stdin", typed=f"{password}\n")
            token, other = (self._operate("create-token", name, "--admin").strip() for name in _USERS)
            known |= {"TOKEN": token, "OTHER_TOKEN": other, "USERNAME": _USERS[0], "PASSWORD": passwords[0]}
        if known.get("CHANNEL_ID") not in channels:
            known["CHANNEL_ID"] = self._operate("create-channel", _CHANNEL).strip()
        settings = {"BASE_URL": self.base_url, **{name: known[name] for name in _SETTINGS}}
        text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
        self._settings.touch(mode=0o600)
        self._settings.chmod(0o600)
        self._settings.write_text(text)

    def operate(self, arguments: Sequence[str]) -> int:
        """Runs the operator's command on this stack; answers its exit status."""
        if not self.engine.is_running():
            raise StackError("The local stack is not up (`make up`). For one on AWS: make operator STACK=NAME ARGS=…")
        return subprocess.run(self._operator(arguments), env=self._for_operator(), check=False).returncode

    def _operator(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "batchyard.operator", "--stack", _STACK, *arguments]

    def _for_operator(self) -> dict[str, str]:
        return self._environment() | {"PYTHONPATH": str(ROOT / "layers" / "batchyard")}

    def _operate(self, *arguments: str, typed: str = "") -> str:
        """What the operator's command prints."""
        ended = subprocess.run(
            self._operator(arguments),
            env=self._for_operator(),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise StackError(f"`{arguments[0]}` of the operator's command failed:\n{ended.stderr.strip()}")
        return ended.stdout

    def _invoke(self, logical_id: str) -> None:
        answer = self.engine.client("lambda").invoke(FunctionName=self.physical_id(logical_id), Payload=b"{}")
        if "FunctionError" in answer:
            raise StackError(f"{logical_id} failed: {answer['Payload'].read().decode()}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        authorization = {"Authorization": f"Token {self.settings['TOKEN']}"}
        while True:
            status, body = _get(f"{self.base_url}/api/v1/active_user/", authorization)
            if status == http.HTTPStatus.OK:
                return
            if time.monotonic() > deadline:
                raise StackError(f"The API answers {status} {body}\n{_tail(self.engine.log)}")
            time.sleep(0.5)

    def _environment(self) -> dict[str, str]:
        """The caller's environment with the engine in place of AWS."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**own, **_CREDENTIALS, "AWS_ENDPOINT_URL": self.engine.url, "NO_PROXY": _HOST, "no_proxy": _HOST}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Has a second command wait until the first one is done."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def run(stack: LocalStack) -> int:
    """Brings the stack up, plays the demonstration through it, and stays until Ctrl-C; answers the exit status."""
    status = 0
    with _interruptible():
        try:
            stack.up()
            status = subprocess.run([sys.executable, "-m", "tools.demo"], cwd=ROOT, check=False).returncode
            if status:
                _say(f"The demonstration ended with status {status}; the stack stays up for a look at it.")
            _say(f"API {stack.base_url}/api/v1/ · documentation {stack.base_url}/docs · Ctrl-C stops it")
            while stack.engine.is_running():
                time.sleep(1)
            if stack.engine.was_stopped():
                _say("Stopped by another command; the data stays")
            else:
                raise StackError(f"The engine has ended:\n{_tail(stack.engine.log)}")
        except KeyboardInterrupt:
            _say("Stopping; the data stays")
        finally:
            stack.down()
    return status


def last_port(home: Path) -> int:
    """The port of the stack in this folder, so that its addresses stay what they are."""
    running, settings = home / "engine.json", _settings(home / "stack.env")
    if running.exists():
        return int(json.loads(running.read_text())["port"])
    return urlsplit(settings.get("BASE_URL", "")).port or DEFAULT_PORT


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Makes the end of a terminal, or of the machine's day, as good as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and body of a GET that no proxy of the environment gets to see."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    try:
        connection.request("GET", parts.path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _settings(file: Path) -> dict[str, str]:
    words = shlex.split(file.read_text(), comments=True) if file.exists() else []
    return dict(word.split("=", 1) for word in words)


def _tail(log: Path) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-15:])


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Runs one command; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.local_stack", description="The system on this machine.")
    parser.add_argument("command", choices=("up", "run", "down", "status", "operate"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the operator's command, after `operate`")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("BATCHYARD_PORT", "0")) or last_port(HOME),
        help=f"where it listens (default: BATCHYARD_PORT, else the port that it had last, else {DEFAULT_PORT})",
    )
    options = parser.parse_args()
    stack = LocalStack(HOME, options.port)
    try:
        match options.command:
            case "up":
                stack.up()
            case "run":
                return run(stack)
            case "down":
                stack.down()
            case "operate":
                return stack.operate(options.arguments)
            case "status":
                running = stack.engine.is_running()
                _say(f"up: {stack.base_url}" if running else "down")
                return 0 if running else 1
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
