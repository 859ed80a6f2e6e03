"""`sam local invoke`: each function handles its sample event, and does in the stores what it should."""

import json
import subprocess
from typing import Any

import pytest

from tests.sam_local.conftest import Deployment
from tools import sam_local
from tools.generate import events
from tools.samples import SAMPLES
from tools.template import resources

pytestmark = pytest.mark.sam_local

FUNCTIONS = {name: properties["Handler"] for name, properties in resources("AWS::Serverless::Function").items()}


def name_of(handler: str) -> str:
    """`batch_requests.list.handler` has the sample `batch_requests/list`."""
    return "/".join(handler.split(".")[:2])


def marked() -> list[Any]:
    """The functions, those marked whose like is run anyway: as a sample says, or the same handler once more."""
    seen: set[str] = set()
    found = []
    for function, handler in FUNCTIONS.items():
        alike = bool(SAMPLES[name_of(handler)].like) or handler in seen
        found.append(pytest.param(function, marks=[pytest.mark.alike] if alike else []))
        seen.add(handler)
    return found


@pytest.mark.parametrize("function", marked())
def test_a_packaged_function_answers_its_sample_event(function: str, deployment: Deployment):
    name = name_of(FUNCTIONS[function])

    ended = subprocess.run(
        sam_local.command("invoke", deployment.template, function, "--event", str(events.FOLDER / f"{name}.json")),
        env=sam_local.environment(deployment.variables),
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert ended.returncode == 0, ended.stderr
    assert SAMPLES[name].differences(json.loads(ended.stdout)) == [], ended.stderr
    assert SAMPLES[name].look() == SAMPLES[name].left
