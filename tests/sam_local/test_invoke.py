"""`sam local invoke`: each function handles its sample event, and does in the stores what it should."""

import json
import subprocess

import pytest

from tests.sam_local.conftest import Deployment
from tests.support.events import OUTCOMES, differences, facts
from tools import events, sam_local
from tools.template import resources

pytestmark = pytest.mark.sam_local

FUNCTIONS = {name: properties["Handler"] for name, properties in resources("AWS::Serverless::Function").items()}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_packaged_function_answers_its_sample_event(function: str, deployment: Deployment):
    event = "/".join(FUNCTIONS[function].split(".")[:2])

    ended = subprocess.run(
        sam_local.command("invoke", deployment.template, function, "--event", str(events.FOLDER / f"{event}.json")),
        env=sam_local.environment(deployment.variables),
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert ended.returncode == 0, ended.stderr
    assert differences(OUTCOMES[event].answer, facts(json.loads(ended.stdout))) == [], ended.stderr
    assert OUTCOMES[event].look() == OUTCOMES[event].left
