"""What the local stack leaves behind when it stops, and what can be asked while it is down."""

import time
from pathlib import Path

import pytest

from tools.local_stack.engine import Engine, StackError
from tools.local_stack.stack import LocalStack


def test_copies_of_packages_are_removed_when_the_local_engine_stops(tmp_path: Path) -> None:
    kept = tmp_path / "state" / "tables.json"
    for file in (tmp_path / "tmp" / "layer-1" / "opt.py", tmp_path / "former-1" / "layer-0" / "opt.py", kept):
        file.parent.mkdir(parents=True)
        file.write_text("")
    Engine(tmp_path, 4566).stop()
    # Nobody waits for gigabytes to be removed; another process does.
    deadline = time.monotonic() + 60
    while list(tmp_path.glob("former-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert kept.exists()


def test_the_operators_help_is_there_while_the_stack_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCHYARD_CALLED_AS", "make operator ARGS=…")
    stack = LocalStack(tmp_path, 4566)
    with pytest.raises(StackError, match="not up"):
        stack.operate(["list-users"])
    assert stack.operate(["create-user", "--help"]) == 0
    assert capfd.readouterr().out.startswith("usage: make operator ARGS=… create-user ")
