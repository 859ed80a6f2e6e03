"""What the local engine leaves behind when it stops."""

import time
from pathlib import Path

from tools.local_stack.engine import Engine


def test_copies_that_functions_ran_from_go_when_it_stops(tmp_path: Path) -> None:
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
