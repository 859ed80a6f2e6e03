"""The OpenAPI document, as Redocly's linter finds it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.clients import published
from tools.generate import ROOT

DOCUMENT = ROOT / "functions" / "docs" / "openapi.json"
LINTER = published.FOLDER / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js"


def lint(document: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says, with the exceptions of `redocly.yaml`."""
    [node, *_] = published.RUN_BY["js"]
    command: list[str | Path] = [node, LINTER, "lint", "--config", ROOT / "redocly.yaml", "--format", "json", document]
    # It would tell its makers that it ran, and look for a later version of itself.
    quiet = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    return subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=300, check=False)


def test_the_linter_finds_nothing_in_the_openapi_document() -> None:
    ended = lint(DOCUMENT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


@pytest.mark.parametrize("member", ["summary", "operationId"])
def test_the_linter_finds_a_fault_in_an_openapi_document(tmp_path: Path, member: str) -> None:
    document = json.loads(DOCUMENT.read_text())
    del document["paths"]["/api/v1/channels/"]["get"][member]
    faulty = tmp_path / "openapi.json"
    faulty.write_text(json.dumps(document))
    totals = json.loads(lint(faulty).stdout)["totals"]
    assert totals["errors"] + totals["warnings"] == 1
