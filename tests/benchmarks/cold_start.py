"""From process start to the first answer of each function as packaged, beside a bare boto3 handler.

Each function runs in a process of its own, from its build folder and the merged layers in Lambda's order, against
moto over TLS in another process. It gets its sample event, in the sample world. Python's own start is in the count on
both sides, and so are TLS and the certificates that it is checked by: AWS's names lead to the server, and its root is
added to those that each side has anyway, so that both do what they would do on AWS.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from batchyard.product_batches import repository as product_batches
from batchyard.store import clients, items
from batchyard.store.tables import PRODUCT_BATCHES
from tests.benchmarks import certificates
from tests.benchmarks.aws import aws_over_http
from tests.benchmarks.instructions import Counter, counter
from tests.benchmarks.report import Line, MissingToolError, Result, main, number, ratio
from tests.benchmarks.world import stores
from tests.support.aws import create_bucket, create_queues
from tools import sample_world
from tools.aws_events import Event, request
from tools.generate import ROOT
from tools.samples import SAMPLES
from tools.template import api_methods, resources

HERE = Path(__file__).parent
BUILD = ROOT / ".aws-sam" / "build"
PINS = ROOT / "tests" / "requirements.txt"
UNTOUCHED = ROOT / ".local" / "tools" / "untouched-boto3"
BOTO3 = ["boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"]
CODES = 100
READ = f"Products({sample_world.STOCKED.id})"
# Told apart in what Lambda does before the first event, and what a caller waits for.
SPLIT = [
    "AuthorizerFunction",
    "RetrieveBatchRequestFunction",
    "ListBatchRequestsFunction",
    "TallyBatchRequestsFunction",
]
# Its work itself is large: told apart, with what is asked for, so that it does not hide what the other routes take.
APART = {
    "LoginFunction": ("login, with its slow password hash", "≤ 3.5"),
    "CreateAccessTokenFunction": ("a token for a password, with the same", "≤ 3.5"),
}


def untouched_boto3() -> Path:
    """boto3 as pip installs it, from the project's pins, with bytecode that is valid for it."""
    pins = re.split(r"\n(?=[a-z0-9])", PINS.read_text())
    wanted = "\n".join(pin for pin in pins if pin.partition("==")[0] in BOTO3)
    stamp = UNTOUCHED / "pins.sha256"
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(UNTOUCHED, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(wanted)
            file.flush()
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
            what = ["--target", str(UNTOUCHED), "--no-deps", "--require-hashes", "--requirement", file.name]
            subprocess.run([*pip, *what], check=True)
        compileall.compile_dir(UNTOUCHED, quiet=1)
        stamp.write_text(digest)
    return UNTOUCHED


def packaged() -> dict[str, str]:
    """The functions' handlers by logical ID; `make build` has packaged them."""
    if not (BUILD / "template.yaml").exists():
        raise MissingToolError("nothing is packaged (make build)")
    return {name: defined["Handler"] for name, defined in resources("AWS::Serverless::Function").items()}


class FirstAnswers:
    """Measures processes up to their first answer.

    Args:
        kind: What counts.
        scratch: A folder for what passes between the processes.
    """

    def __init__(self, kind: Counter, scratch: Path) -> None:
        self._kind = kind
        self._scratch = scratch
        self.root, self._certificate = certificates.make(scratch)
        self._variables = {
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Sets and dictionaries in the same order in each process, so that counts repeat.
            "PYTHONHASHSEED": "0",
            "TZ": ":UTC",
            **sample_world.VARIABLES,
        }

    def measure(
        self,
        handler: str,
        path: list[Path],
        event: Event,
        *,
        prepare: Callable[[], None] | None = None,
        bundle: Path | None = None,
        imported_only: bool = False,
    ) -> tuple[float, object]:
        """The least count of all runs, and the first answer: it was given where nothing but the sample world was.

        Args:
            handler: The function.
            path: Where its code is.
            event: What it gets.
            prepare: What is done to the sample world before.
            bundle: The certificates that it trusts; None for those that its packages bring.
            imported_only: It ends when it could take its first event; there is no answer then.
        """
        given, answered = self._scratch / "event.json", self._scratch / "answer.json"
        given.write_text(json.dumps(event))
        own = {**self._variables, "PYTHONPATH": ":".join(map(str, path))}
        if bundle:
            own["AWS_CA_BUNDLE"] = str(bundle)
        # The interpreter itself, without the project's environment.
        interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
        command: list[str | Path] = [
            interpreter,
            "-s",
            HERE / "first_answer.py",
            handler,
            given,
            "" if imported_only else answered,
        ]
        counts, answers = [], []
        with (
            _trusting(self.root),
            aws_over_http(self._certificate) as endpoint,
            stores(endpoint, fill=_bucket_and_queues, keeps_secrets=True) as variables,
        ):
            for _ in range(self._kind.runs):
                sample_world.load()
                if prepare:
                    prepare()
                counts.append(self._kind.measure(command, {**as_on_aws(variables), **own}))
                answers.append(None if imported_only else json.loads(answered.read_text()))
        return min(counts), answers[0]


def as_on_aws(variables: dict[str, str]) -> dict[str, str]:
    """The environment of a process that reaches AWS by its names, and not by an address of its own."""
    own = dict(variables)
    port = own.pop("AWS_ENDPOINT_URL").rpartition(":")[2]
    return own | {"AWS_PORT": port}


@contextmanager
def _trusting(root: Path) -> Iterator[None]:
    """Lets this process, too, speak to the server."""
    before = os.environ.get("AWS_CA_BUNDLE")
    os.environ["AWS_CA_BUNDLE"] = str(root)
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_CA_BUNDLE"]
        else:
            os.environ["AWS_CA_BUNDLE"] = before


def merged_layers(build: Path, scratch: Path, root: Path) -> list[Path]:
    """Where a function finds its layers; their certificates have one more, in the place of those that AWS needs."""
    opt = scratch / "opt"
    for layer in ("DependenciesLayer", "BatchyardLayer"):
        shutil.copytree(build / layer, opt, dirs_exist_ok=True)
    for bundle in (opt / "python" / "botocore").glob("*.pem"):
        bundle.write_text(bundle.read_text() + root.read_text())
    return [opt / "python" / "lib" / "python3.13" / "site-packages", opt / "python"]


def _bucket_and_queues(variables: dict[str, str]) -> None:
    create_bucket(variables)
    create_queues(variables)


def run() -> list[Result]:
    handlers = packaged()
    kind = counter()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        bare = scratch / "bare"
        shutil.copytree(HERE / "bare", bare)
        compileall.compile_dir(bare, quiet=1)
        answers = FirstAnswers(kind, scratch)
        layers = merged_layers(BUILD, scratch, answers.root)
        whole = scratch / "whole.pem"
        whole.write_text((untouched_boto3() / "botocore" / "cacert.pem").read_text() + answers.root.read_text())
        asked = SAMPLES["batch_requests/retrieve"].event
        baseline, reading = (
            answers.measure(f"{name}.handler", [bare, untouched_boto3()], asked, bundle=whole)[0]
            for name in ("client", "call")
        )
        # boto3 itself is in no layer: it lies behind those that have the rest.
        trimmed = answers.measure("call.handler", [bare, *layers, untouched_boto3()], asked)[0]
        found: dict[str, float] = {}
        imported: dict[str, float] = {}
        for name, handler in handlers.items():
            sample = SAMPLES["/".join(handler.split(".")[:2])]
            path = [BUILD / name, *layers]
            found[name], answer = answers.measure(handler, path, sample.event)
            # An error is answered sooner than what is asked for: it must not be taken for it.
            if wrong := sample.differences(answer):
                raise RuntimeError(f"{handler}: {wrong}")
            if name in SPLIT:
                imported[name] = answers.measure(handler, path, sample.event, imported_only=True)[0]
        entity, answer = answers.measure("odata.service.handler", [BUILD / "ODataServiceFunction", *layers], _read())
        if f'"ID":{sample_world.STOCKED.id},' not in str(answer):
            raise RuntimeError(f"no product: {answer}")
        path = [BUILD / "SerialSheetFunction", *layers]
        large, answer = answers.measure(handlers["SerialSheetFunction"], path, _large(), prepare=_grow)
        if json.dumps(answer).count("<path") != CODES:
            raise RuntimeError(f"no sheet of {CODES} codes: {answer}")
    bare_ones = {
        "bare, one client": baseline,
        "bare, one client and one read": reading,
        "the same on the trimmed layer": trimmed,
    }
    return [_result(kind, bare_ones, {**found, READ: entity}, imported, large)]


def _read() -> Event:
    """Asks for an entity by its key."""
    return request("GET", "/v1/{odata+}", f"/v1/{READ}", headers={}, caller=sample_world.CALLER)


def _large() -> Event:
    """Asks for a large sheet of QR codes."""
    sample = SAMPLES["product_batches/sheet"].event
    asked = {"count": str(CODES)}
    return {
        **sample,
        "queryStringParameters": asked,
        "multiValueQueryStringParameters": {name: [value] for name, value in asked.items()},
    }


def _grow() -> None:
    """Gives the lot of the sample world as many serials as a large sheet shows."""
    [block] = sample_world.LOT.blocks
    lot = replace(sample_world.LOT, blocks=(replace(block, size=CODES),))
    clients.dynamodb().put_item(TableName=PRODUCT_BATCHES.name, Item=items.encode(product_batches.encode(lot)))


def _result(
    kind: Counter, bare: dict[str, float], found: dict[str, float], imported: dict[str, float], large: float
) -> Result:
    routes = [name for name in found if _answers_routes(name) and name not in APART]
    dearest = max(routes, key=lambda name: found[name])
    reading = bare["bare, one client and one read"]

    def row(name: str, one: float) -> list[str]:
        before = [number(imported[name]), number(one - imported[name])] if name in imported else ["", ""]
        compared = [ratio(one / other) for other in bare.values()]
        return [name.removesuffix("Function"), number(one), *before, *compared]

    def line(what: str, one: float, asked: str) -> Line:
        ours, theirs = (f"{number(count, 0)} {kind.unit}" for count in (one, reading))
        return Line(f"First answer of {what}", ours, f"{theirs}, bare client and read", ratio(one / reading), asked)

    return Result(
        f"From process start to the first answer over TLS, {kind.unit}",
        ["function", kind.unit, "until its first event", "after", *(f"× {name}" for name in bare)],
        [row(name, one) for name, one in (bare | found).items()],
        notes=[
            f"Counted by {kind.source}. The bare handlers use boto3 from untouched packages with valid bytecode, the"
            " last one on the packages of our layer."
        ],
        lines=[
            line(f"a route, dearest of {len(routes)} ({dearest.removesuffix('Function')})", found[dearest], "≤ 1"),
            *(line(what, found[name], asked) for name, (what, asked) in APART.items()),
            line(f"a sheet of {CODES} QR codes", large, "≤ 2"),
            line("the authorizer", found["AuthorizerFunction"], "≤ 0.55"),
        ],
    )


def _answers_routes(name: str) -> bool:
    return any(one.function == name for one in api_methods())


if __name__ == "__main__":
    main(run)
