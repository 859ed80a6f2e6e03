"""A stack is deleted, and made again with what it left: rehearsed on the engine, as the tool tells it."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import deployed
from tools.generate import ROOT
from tools.local_stack import LocalStack

pytestmark = pytest.mark.e2e

LOT = "/admin/collection/wines/product/barolo/batch"
# The engine imports none; a deployment writes them over, which AWS refuses.
NOT_IMPORTED_HERE = "AWS::S3::BucketPolicy"


@pytest.fixture
def own_stack() -> Iterator[LocalStack]:
    """A stack that may be deleted."""
    with deployed("e2e-left-behind") as stack:
        yield stack


def asked(stack: LocalStack, method: str, path: str, **body: Any) -> Any:
    headers = {"Authorization": f"Token {stack.settings['TOKEN']}"}
    answer = httpx.request(
        method, f"{stack.base_url}{path}", headers=headers, json=body or None, timeout=60, trust_env=False
    )
    assert answer.is_success, answer.text
    return answer.json()


def delete(stack: LocalStack, name: str) -> None:
    cloudformation = stack.engine.client("cloudformation")
    [described] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    cloudformation.delete_stack(StackName=name)
    until(cloudformation, described["StackId"], "DELETE_COMPLETE")


def until(cloudformation: Any, stack: str, status: str) -> None:
    deadline = time.monotonic() + 180
    while (found := cloudformation.describe_stacks(StackName=stack)["Stacks"][0])["StackStatus"] != status:
        assert time.monotonic() < deadline, f"{found['StackStatus']}: {found.get('StackStatusReason')}"
        time.sleep(0.5)


def left_behind(stack: LocalStack, name: str, folder: Path) -> str:
    told = subprocess.run(
        [sys.executable, "-m", "tools.left_behind", name, "--into", folder],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def imported(stack: LocalStack, name: str, template: Path, resources: Path) -> None:
    """Does what the first commands do."""
    cloudformation = stack.engine.client("cloudformation")
    body, entries = json.loads(template.read_text()), json.loads(resources.read_text())
    for entry in entries:
        if entry["ResourceType"] == NOT_IMPORTED_HERE:
            del body["Resources"][entry["LogicalResourceId"]]
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="left-behind",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(body),
        ResourcesToImport=[entry for entry in entries if entry["ResourceType"] != NOT_IMPORTED_HERE],
    )
    found = cloudformation.describe_change_set(StackName=name, ChangeSetName="left-behind")
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE"), found["StatusReason"]
    cloudformation.execute_change_set(StackName=name, ChangeSetName="left-behind")
    until(cloudformation, name, "IMPORT_COMPLETE")


def kept_aside(stack: LocalStack, secret: str) -> str:
    """A copy of a secret: the engine calls the next one as the former, AWS gives each a name of its own."""
    secrets = stack.engine.client("secretsmanager")
    found = secrets.get_secret_value(SecretId=secret)
    return str(secrets.create_secret(Name="of-the-deleted-stack", SecretString=found["SecretString"])["ARN"])


def test_a_deleted_stack_comes_back_with_its_retained_resources(own_stack: LocalStack, tmp_path: Path) -> None:
    stack, name = own_stack, "batchyard"
    asked(stack, "POST", LOT, id="L1", quantity=100)
    code = asked(stack, "GET", f"{LOT}/L1/getSN?count=1")["items"][0]["code"]
    secret = stack.physical_id("SerialKeysSecret")
    delete(stack, name)

    told = left_behind(stack, name, tmp_path)
    assert f"--stack {name} restore-serial-keys {secret}" in told
    files = [Path(found[1]) for found in re.finditer(r"file://(\S+\.json)", told)]
    imported(stack, name, *files)
    former = kept_aside(stack, secret)
    stack.deploy()
    for entry in json.loads(files[1].read_text()):
        [identifier] = entry["ResourceIdentifier"].values()
        if entry["ResourceType"] != NOT_IMPORTED_HERE:
            assert stack.physical_id(entry["LogicalResourceId"]) == identifier

    # The token and the lot are there; only the former keys know the code.
    assert asked(stack, "GET", f"{LOT}/L1")["quantity"] == 100
    assert stack.operate(["restore-serial-keys", former]) == 0
    assert asked(stack, "GET", f"{LOT}/L1/lookupSN/{code}")["index"] == 0
