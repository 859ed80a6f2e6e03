"""A function imports what its route needs, and nothing that only others need: a cold start is import time."""

import subprocess
import sys

import pytest

from tools.template import ROOT

_PATHS = [str(ROOT / "functions"), str(ROOT / "layers" / "batchyard")]


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (
            ["retrieve", "list", "search", "find", "tags", "create", "update", "delete", "public"],
            ["cryptography", "segno", "boto3"],
        ),
        (["change_serials", "undo_serial_change", "list_serial_changes"], ["cryptography", "segno", "boto3"]),
        (["get_serials", "lookup", "verify"], ["segno", "boto3"]),
    ],
)
def test_routes_of_product_batches_import_no_more_than_they_need(modules: list[str], unwanted: list[str]) -> None:
    code = (
        f"import sys; sys.path[:0] = {_PATHS!r}\n"
        + "".join(f"import product_batches.{module}\n" for module in modules)
        + f"print(*[name for name in {unwanted!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
