"""The local engine is killed, as when the power goes: what was there half a minute before is there again."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import deployed
from tests.e2e.system import eventually
from tools.local_stack import LocalStack

pytestmark = pytest.mark.e2e

LOT = "/admin/collection/wines/product/barolo/batch"


def asked(stack: LocalStack, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Token {stack.settings['TOKEN']}"}
    answer = httpx.request(method, f"{stack.base_url}{path}", headers=headers, json=body, timeout=60, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()


def kill(stack: LocalStack) -> None:
    os.kill(json.loads((stack.home / "engine.json").read_text())["pid"], signal.SIGKILL)
    eventually(lambda: not stack.engine.is_running())


def saved_since(file: Path, moment: float) -> bool:
    return file.exists() and file.stat().st_mtime > moment


def test_saved_state_outlives_the_engine() -> None:
    with deployed("e2e-killed") as stack:
        made = asked(stack, "POST", LOT, {"id": "L1", "quantity": 100})
        done = time.time()
        # All services are saved one after the other, by their names' order in the engine.
        eventually(lambda: saved_since(stack.home / "state" / "dynamodb.json", done))
        time.sleep(5)
        kill(stack)
        stack.up()
        assert asked(stack, "GET", f"{LOT}/L1") == made
        # It was not deployed anew, and goes on.
        assert asked(stack, "PUT", f"{LOT}/L1", {"quantity": 200})["quantity"] == 200
