"""From process start to the first answer of each function as packaged, beside a bare boto3 handler.

Each function runs in a process of its own, from its build folder and the merged layers in Lambda's order, against
moto over HTTP in another process. It gets its sample event, in the sample world. Python's own start is in the count on
both sides; TLS is on neither.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from batchyard.product_batches import repository as product_batches
from batchyard.store import clients, items
from batchyard.store.tables import PRODUCT_BATCHES
from tests.benchmarks.aws import aws_over_http
from tests.benchmarks.instructions import Counter, counter
from tests.benchmarks.report import Line, MissingToolError, Result, main, number, ratio
from tests.benchmarks.world import stores
from tests.support.aws import create_bucket, create_queues
from tools import sample_world
from tools.aws_events import Event
from tools.samples import SAMPLES
from tools.template import ROOT, api_methods, resources

HERE = Path(__file__).parent
BUILD = ROOT / ".aws-sam" / "build"
PINS = ROOT / "tests" / "requirements.txt"
UNTOUCHED = ROOT / ".local" / "tools" / "untouched-boto3"
BOTO3 = ["boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"]
CODES = 100
# Its work itself is large: told apart, so that it does not hide what the other routes take.
APART = {"LoginFunction": "login, with its slow password hash"}


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
        self._variables = {
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
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
        self, handler: str, path: list[Path], event: Event, *, prepare: Callable[[], None] | None = None
    ) -> tuple[float, object]:
        """The least count of all runs, and the first answer: it was given where nothing but the sample world was.

        Args:
            handler: The function.
            path: Where its code is.
            event: What it gets.
            prepare: What is done to the sample world before.
        """
        given, answered = self._scratch / "event.json", self._scratch / "answer.json"
        given.write_text(json.dumps(event))
        own = {**self._variables, "PYTHONPATH": ":".join(map(str, path))}
        # The interpreter itself, without the project's environment.
        interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
        command = [interpreter, "-s", HERE / "first_answer.py", handler, given, answered]
        counts, answers = [], []
        with aws_over_http() as endpoint, stores(endpoint, fill=_bucket_and_queues, keeps_secrets=True) as variables:
            for _ in range(self._kind.runs):
                sample_world.load()
                if prepare:
                    prepare()
                counts.append(self._kind.measure(command, {**variables, **own}))
                answers.append(json.loads(answered.read_text()))
        return min(counts), answers[0]


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
        opt = scratch / "opt"
        for layer in ("DependenciesLayer", "BatchyardLayer"):
            shutil.copytree(BUILD / layer, opt, dirs_exist_ok=True)
        layers = [opt / "python" / "lib" / "python3.13" / "site-packages", opt / "python"]
        answers = FirstAnswers(kind, scratch)
        baseline, reading = (
            answers.measure(f"{name}.handler", [bare, untouched_boto3()], SAMPLES["batch_requests/retrieve"].event)[0]
            for name in ("client", "call")
        )
        found: dict[str, float] = {}
        for name, handler in handlers.items():
            sample = SAMPLES["/".join(handler.split(".")[:2])]
            found[name], answer = answers.measure(handler, [BUILD / name, *layers], sample.event)
            # An error is answered sooner than what is asked for: it must not be taken for it.
            if wrong := sample.differences(answer):
                raise RuntimeError(f"{handler}: {wrong}")
        path = [BUILD / "SerialSheetFunction", *layers]
        large, answer = answers.measure(handlers["SerialSheetFunction"], path, _large(), prepare=_grow)
        if json.dumps(answer).count("<path") != CODES:
            raise RuntimeError(f"no sheet of {CODES} codes: {answer}")
    return [_result(kind, baseline, reading, found, large)]


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


def _result(kind: Counter, bare: float, reading: float, found: dict[str, float], large: float) -> Result:
    routes = [name for name in found if _answers_routes(name) and name not in APART]
    dearest = max(routes, key=lambda name: found[name])
    bare_rows = [
        ["bare, one client", number(bare), ratio(1), ratio(bare / reading)],
        ["bare, one client and one read", number(reading), ratio(reading / bare), ratio(1)],
    ]

    def line(what: str, one: float, asked: str) -> Line:
        ours, theirs = (f"{number(count, 0)} {kind.unit}" for count in (one, bare))
        return Line(f"First answer of {what}", ours, f"{theirs}, bare client", ratio(one / bare), asked)

    return Result(
        f"From process start to the first answer, {kind.unit}",
        ["function", kind.unit, "× bare client", "× bare client and read"],
        [
            *bare_rows,
            *(
                [name.removesuffix("Function"), number(one), ratio(one / bare), ratio(one / reading)]
                for name, one in found.items()
            ),
        ],
        notes=[f"Counted by {kind.source}. The bare handlers use boto3 from untouched packages with valid bytecode."],
        lines=[
            line(f"a route, dearest of {len(routes)} ({dearest.removesuffix('Function')})", found[dearest], "≤ 1.4"),
            *(line(what, found[name], "≤ 1.4") for name, what in APART.items()),
            line(f"a sheet of {CODES} QR codes", large, "≤ 2"),
            line("the authorizer", found["AuthorizerFunction"], "≤ 0.9"),
        ],
    )


def _answers_routes(name: str) -> bool:
    return any(one.function == name for one in api_methods())


if __name__ == "__main__":
    main(run)
