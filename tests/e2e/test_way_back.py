"""A stack that was deleted comes back with its data, and its printed codes are known again."""

import shutil
from collections.abc import Iterator

import httpx
import pytest

from tools import bring_back
from tools.local_stack import HOME, LocalStack, free_port
from tools.local_stack.places import STACK

LOTS = "/admin/collection/wines/product/barolo/batch"


@pytest.fixture
def yard() -> Iterator[LocalStack]:
    """A local stack that nobody else needs."""
    home = HOME / "e2e-way-back"
    shutil.rmtree(home, ignore_errors=True)
    stack = LocalStack(home, free_port())
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def test_a_deleted_stack_comes_back(yard: LocalStack) -> None:
    headers = {"Authorization": f"Token {yard.settings['TOKEN']}"}
    with httpx.Client(base_url=yard.base_url, headers=headers, timeout=60, trust_env=False) as client:
        assert client.post(LOTS, json={"id": "L1", "quantity": 5}).status_code == 200
        code = client.get(f"{LOTS}/L1/getSN?count=1").json()["items"][0]["code"]
        made = client.get(f"{LOTS}/L1").json()
        cloudformation = yard.engine.client("cloudformation")
        secret = yard.physical_id("SerialKeysSecret")

        cloudformation.delete_stack(StackName=STACK)
        names = bring_back.bring_back(cloudformation, yard.engine.client("s3"), STACK)
        yard.deploy()

        assert names["SerialKeysSecret"][1] == secret
        assert names["IdentityTable"][1] == yard.physical_id("IdentityTable")
        # With the token of before.
        assert client.get(f"{LOTS}/L1").json() == made
        assert client.get(f"/public/collection/wines/verifySN/{code}").json()["valid"] is False
        assert yard.operate(["restore-serial-keys", secret]) == 0
        # Environments that have read the new key once keep it for five minutes: others begin without.
        yard.down()
        yard.up()
        assert client.get(f"/public/collection/wines/verifySN/{code}").json()["valid"] is True
