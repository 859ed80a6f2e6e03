"""What is measured: the sample of each route, with what it must bring about, and of each function behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.costs.measuring import Ask
from tools import sample_world
from tools.samples import SAMPLES
from tools.samples.sample import Sample
from tools.template import api_methods, resources, template

KEY_AUTHORIZER = "identity/key_authorizer"


@dataclass(frozen=True)
class Run:
    """One line of a table.

    Args:
        name: What it is called there.
        function: The logical ID of the function.
        prepare: See `measure`.
        check: The same.
    """

    name: str
    function: str
    prepare: Callable[[], Ask]
    check: Callable[[Any], None]

    @property
    def memory_mb(self) -> int:
        """The function's memory."""
        shared = template()["Globals"]["Function"]["MemorySize"]
        return int(resources("AWS::Serverless::Function")[self.function].get("MemorySize", shared))

    @property
    def routed(self) -> bool:
        """It answers requests."""
        return any(one.function == self.function for one in api_methods())

    @property
    def asks_each_time(self) -> bool:
        """API Gateway asks the authorizer that keeps no answers before it."""
        return any(one.function == self.function and one.authorizer == "KeyAuthorizer" for one in api_methods())


def routes() -> Iterator[Run]:
    """Every route, and what else a route has a sample of that succeeds."""
    for name, sample in SAMPLES.items():
        if _is_request(sample) and ("." not in name or _succeeds(sample)):
            yield _run(_name_of_route(name, sample), name, sample)


def behind() -> Iterator[Run]:
    """Every function that no route leads to."""
    for name, sample in SAMPLES.items():
        if not _is_request(sample) and "." not in name:
            yield _run(name, name, sample)


def _run(name: str, key: str, sample: Sample) -> Run:
    package, _, module = key.partition("/")
    handler = f"{package}.{module.partition('.')[0]}.handler"

    def prepare() -> Ask:
        sample_world.load()
        return handler, json.loads(json.dumps(sample.event))

    def check(result: Any) -> None:
        if wrong := sample.differences(json.loads(json.dumps(result))):
            raise RuntimeError(f"{key}: {wrong}")

    return Run(name, function_of(handler), prepare, check)


def function_of(handler: str) -> str:
    """The logical ID of the function with a handler."""
    [found] = [name for name, one in resources("AWS::Serverless::Function").items() if one["Handler"] == handler]
    return found


def _is_request(sample: Sample) -> bool:
    return "httpMethod" in sample.event and sample.event.get("type") != "REQUEST"


def _succeeds(sample: Sample) -> bool:
    return isinstance(sample.answer, dict) and int(sample.answer["status"]) < HTTPStatus.BAD_REQUEST


def _name_of_route(name: str, sample: Sample) -> str:
    """`GET /api/v1/channels`; of a further case with its name, and of a path that takes any with the path."""
    event = sample.event
    path = event["resource"]
    if "+}" in path:
        path = urlsplit(event["path"]).path
    case = name.partition(".")[2]
    return f"{event['httpMethod']} {path}" + (f" ({case})" if case else "")
