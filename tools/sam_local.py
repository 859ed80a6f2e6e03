"""`sam local` with what `make build` packaged, on the stores of the local stack.

    python -m tools.sam_local invoke RetrieveBatchRequestFunction events/batch_requests/retrieve.json
    python -m tools.sam_local start-api

The local stack listens on the loopback address, which containers cannot reach. On Linux a relay passes their
connections on while the command runs; it listens on the address that this machine has in the containers' network, and
nowhere else. Docker Desktop has a name for this machine instead, `host.docker.internal`.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from botocore import xform_name

from tools import sample_world
from tools.generate import events
from tools.local_stack import BUILD, HOME, ROOT, LocalStack, last_port

SAM = ROOT / ".local" / "tools" / "sam" / "bin" / "sam"
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
BASE_IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"

_STACK = "batchyard"
# The local stack takes these for its owner's.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
_DESKTOP = "host.docker.internal"
_CHUNK = 64 * 1024


def missing() -> str | None:
    """What `sam local` lacks on this machine; None if it lacks nothing."""
    if shutil.which("docker") is None:
        return "Docker is not installed."
    if _docker("version").returncode:
        return "Docker does not run, or this user may not use it."
    for needed, target in ((SAM, "setup"), (BUILD / "template.yaml", "build")):
        if not needed.exists():
            return f"{needed.relative_to(ROOT)} is missing; `make {target}` makes it."
    return None


@contextlib.contextmanager
def reachable(url: str) -> Iterator[str]:
    """The address at which containers reach what listens on this machine's loopback address."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    bridge = _bridge()
    if bridge is None:
        yield f"{parts.scheme}://{_DESKTOP}:{parts.port}"
        return
    with _Relay(bridge, (parts.hostname, parts.port)) as relay:
        serving = threading.Thread(target=relay.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"{parts.scheme}://{bridge}:{relay.server_address[1]}"
        finally:
            relay.shutdown()
            serving.join()


def write_template(file: Path, variables: Mapping[str, str]) -> None:
    """Writes the packaged template with these variables in every function's environment.

    `sam local` passes on no variables but those that a template names, and ours names none that leads the AWS client
    anywhere but to AWS.
    """
    template = _packaged()
    template["Globals"]["Function"]["Environment"]["Variables"].update(variables)
    for resource in template["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = str(BUILD / resource["Properties"][name])
    file.parent.mkdir(parents=True, exist_ok=True)
    # JSON, which `sam` reads a second faster than YAML.
    file.write_text(json.dumps(template))


def command(kind: str, template: Path, *arguments: str) -> list[str]:
    """The command line of `sam local <kind>`."""
    options = ["--template", str(template), "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    if _image_is_homemade():
        options.append("--skip-pull-image")
    return [str(SAM), "local", kind, *arguments, *options]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of `sam local` itself, for functions with these variables.

    Args:
        variables: What the functions get, the AWS credentials and the region among it.
    """
    # What is set in `sam`'s own environment would take the place of the template's variables.
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", *variables}
    own = {name: value for name, value in os.environ.items() if name not in unwanted and not name.startswith("AWS_")}
    aws = {name: value for name, value in variables.items() if name.startswith("AWS_") and name != "AWS_ENDPOINT_URL"}
    return {**own, **aws, "SAM_CLI_TELEMETRY": "0"}


class _Relay(socketserver.ThreadingTCPServer):
    """Passes connections on to another address.

    Args:
        host: Where it listens, on a free port.
        target: Where it passes them on to.
    """

    daemon_threads = True

    def __init__(self, host: str, target: tuple[str, int]) -> None:
        super().__init__((host, 0), _Relayed)
        self.target = target


class _Relayed(socketserver.BaseRequestHandler):
    """One connection."""

    server: _Relay
    request: socket.socket

    def handle(self) -> None:
        # A side that goes away in the middle takes the other one with it, which then tells of it.
        with contextlib.suppress(OSError), socket.create_connection(self.server.target) as onward:
            back = threading.Thread(target=_pump, args=(onward, self.request), daemon=True)
            back.start()
            _pump(self.request, onward)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _bridge() -> str | None:
    """This machine's address in the containers' network; None where Docker keeps that network to itself."""
    found = _docker("network", "inspect", "bridge", "--format", "{{range .IPAM.Config}}{{.Subnet}} {{end}}")
    for network in map(ip_network, found.stdout.split()):
        if network.version == 4:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                # Sends nothing, but has an address chosen for what would be sent there.
                probe.connect((str(network[1]), 9))
                own = probe.getsockname()[0]
            if ip_address(own) in network:
                return str(own)
    return None


@cache
def _image_is_homemade() -> bool:
    """Whether Lambda's base image is here and came from no registry, so that looking for a newer one would fail."""
    found = _docker("image", "inspect", BASE_IMAGE, "--format", "{{len .RepoDigests}}")
    return found.returncode == 0 and found.stdout.strip() == "0"


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def _packaged() -> dict[str, Any]:
    template: dict[str, Any] = yaml.safe_load((BUILD / "template.yaml").read_text())
    return template


def _variables(stack: LocalStack) -> dict[str, str]:
    """The functions' environment on the local stack: its outputs are named like their variables."""
    found = stack.engine.client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"][0]["Outputs"]
    named = {xform_name(output["OutputKey"]).upper(): output["OutputValue"] for output in found}
    wanted = _packaged()["Globals"]["Function"]["Environment"]["Variables"]
    return {**_CREDENTIALS, **{name: value for name, value in named.items() if name in wanted}}


def _sample(function: str) -> Path:
    """The sample event of a function: `batch_requests.list.handler` has `events/batch_requests/list.json`."""
    resource = _packaged()["Resources"].get(function, {})
    if resource.get("Type") != "AWS::Serverless::Function":
        raise SystemExit(f"The template has no function {function}.")
    handler: str = resource["Properties"]["Handler"]
    return events.FOLDER / Path(*handler.split(".")[:2]).with_suffix(".json")


def _load_sample_world(variables: Mapping[str, str], endpoint: str) -> None:
    own = str(urlsplit(endpoint).hostname)
    os.environ.update({**variables, "AWS_ENDPOINT_URL": endpoint, "NO_PROXY": own, "no_proxy": own})
    sample_world.load()


def _run(arguments: list[str], variables: Mapping[str, str]) -> int:
    """Runs `sam local` until it ends; returns its exit status.

    It is told to end by SIGTERM, upon which it removes its containers. Python would give it a quarter of a second.
    """
    process = subprocess.Popen(arguments, cwd=ROOT, env=environment(variables), start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: process.terminate())
    return process.wait()


def main() -> int:
    """Runs one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.sam_local", description="`sam local` on the local stack.")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    invoke = commands.add_parser("invoke", help="hands one event to one function, in the sample world of events/")
    invoke.add_argument("function", help="its logical ID in the template")
    invoke.add_argument(
        "event", nargs="?", type=Path, help="a file with the event (default: the function's in events/)"
    )
    start_api = commands.add_parser("start-api", help="serves the API until Ctrl-C")
    start_api.add_argument("--port", default="3000", help="where it listens (default: 3000)")
    options = parser.parse_args()
    stack = LocalStack(HOME, last_port(HOME))
    lacking = missing() or (None if stack.engine.is_running() else "The local stack is down; `make up` starts it.")
    if lacking is not None:
        print(lacking, file=sys.stderr)
        return 1
    variables = _variables(stack)
    template = HOME / "sam-local" / "template.json"
    with reachable(stack.engine.url) as endpoint:
        if options.command == "start-api":
            write_template(template, {**variables, "AWS_ENDPOINT_URL": endpoint})
            print(
                f"Tokens are in {HOME.relative_to(ROOT)}/stack.env. Functions start at their first request.", flush=True
            )
            return _run(command("start-api", template, "--port", options.port, "--warm-containers", "LAZY"), variables)
        variables |= sample_world.VARIABLES
        write_template(template, {**variables, "AWS_ENDPOINT_URL": endpoint})
        _load_sample_world(variables, stack.engine.url)
        event = options.event or _sample(options.function)
        return _run(command("invoke", template, options.function, "--event", str(event)), variables)


if __name__ == "__main__":
    sys.exit(main())
