"""Each folder of code has its place in the contracts of `lint-imports`: what they do not name, they let pass."""

import tomllib
from pathlib import Path

from tools.generate import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
[LAYERS] = [one["layers"] for one in CONTRACTS["contracts"] if one["type"] == "layers"]
PLACED = {module.strip() for layer in LAYERS for module in layer.split("|")}


def folders(path: Path) -> set[str]:
    return {one.name for one in path.iterdir() if any(one.glob("*.py"))}


def test_each_folder_of_functions_is_looked_at_and_stands_on_a_floor() -> None:
    families = folders(ROOT / "functions")
    assert families == set(CONTRACTS["root_packages"]) - {"batchyard"}
    assert families <= PLACED
    [without_boto3] = [one for one in CONTRACTS["contracts"] if "boto3" in one.get("forbidden_modules", ())]
    assert families < set(without_boto3["source_modules"])


def test_each_folder_of_the_package_stands_on_a_floor() -> None:
    assert {f"batchyard.{name}" for name in folders(ROOT / "layers" / "batchyard" / "batchyard")} <= PLACED
