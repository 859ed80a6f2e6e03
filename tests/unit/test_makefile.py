"""`make deploy` finds the settings that SAM is given, the second time too."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.generate import ROOT

SAM = ROOT / ".local" / "tools" / "sam" / "bin" / "sam"

# Without a region it gets no further than its settings.
BLIND = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "SAM_CLI_TELEMETRY": "0",
}


@pytest.fixture
def deploy() -> list[str]:
    """The words of the command that `make deploy` ends with, without the program."""
    # Not what the make was told that runs these tests.
    told = {"ARGS", "MAKEFLAGS", "MAKEOVERRIDES"}
    environment = {name: value for name, value in os.environ.items() if name not in told}
    command = ["make", "--dry-run", "--no-print-directory", "deploy"]
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    [line] = [line for line in shown.replace("\\\n", " ").splitlines() if " deploy --" in line]
    return shlex.split(line)[1:]


def run(words: list[str], folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        [SAM, *words],
        cwd=folder,
        env={**environment, **BLIND},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    return ended.stdout + ended.stderr


def test_the_name_of_the_stack_comes_from_the_projects_settings(deploy: list[str], tmp_path: Path) -> None:
    """SAM's `samcli/cli/cli_config_file.py` takes `samconfig_dir`, the template's folder, without `--config-file`."""
    packaged = tmp_path / ".aws-sam" / "deploy"
    packaged.mkdir(parents=True)
    shutil.copy(ROOT / "template.yaml", packaged)
    position = deploy.index("--config-file")
    assert Path(deploy[position + 1]) == ROOT / "samconfig.toml"
    told = run(deploy, tmp_path)
    assert "stack-name" not in told
    assert "Unable to resolve a region" in told
    without = run(deploy[:position] + deploy[position + 2 :], tmp_path)
    assert "Missing option '--stack-name'" in without
