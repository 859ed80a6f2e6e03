"""Prints what is packaged: the size of each layer and function, and which third-party packages a function imports.

Reads what `make build` left. Each handler is imported in a process of its own that sees nothing but the standard
library, the layers and the function's code, in Lambda's order.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

BUILD = Path(__file__).parents[1] / ".aws-sam" / "build"

# Imports a handler and tells which packages under a layer's folder came with it, and how many modules in all.
_IMPORT = """
import importlib, json, sys
handler, layers = sys.argv[1], sys.argv[2:]
importlib.import_module(handler)
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
packages = {name.partition(".")[0] for name, file in files.items() if file.startswith(tuple(layers))}
print(json.dumps({"packages": sorted(packages), "modules": len(files)}))
"""

# What a module may read of its environment while it is imported.
_ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "POWERTOOLS_SERVICE_NAME": "batchyard",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a package, unpacked and as a zip."""

    unpacked: int
    zipped: int

    def __str__(self) -> str:
        return f"{self.unpacked / 1000:>12,.0f} {self.zipped / 1000:>10,.0f}"


@dataclass(frozen=True, slots=True)
class Imports:
    """What came with a handler's import: third-party packages, and the number of all modules."""

    packages: list[str]
    modules: int


def size_of(folder: Path) -> Size:
    """The size of a packaged folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for file in files:
            package.write(file, file.relative_to(folder))
    return Size(sum(file.stat().st_size for file in files), len(archive.getvalue()))


def imports_of(handler: str, code: Path, layers: list[Path], own: frozenset[str]) -> Imports:
    """What importing a handler brings with it; `own` packages are no third party's."""
    module = handler.rpartition(".")[0]
    searched = [str(code), *map(str, layers)]
    ended = subprocess.run(
        # -S leaves out the packages of the environment that this tool itself runs in.
        [sys.executable, "-S", "-c", _IMPORT, module, *map(str, layers)],
        env={**_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(searched), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise SystemExit(f"{handler} cannot be imported as packaged:\n{ended.stderr}")
    found = json.loads(ended.stdout)
    return Imports([name for name in found["packages"] if name not in own], found["modules"])


def _resources(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == kind
    }


def main() -> None:
    """Prints the layers, then the functions."""
    built = BUILD / "template.yaml"
    if not built.exists():
        raise SystemExit("Nothing is packaged yet: `make build` first.")
    template = yaml.safe_load(built.read_text())
    layers = {
        name: BUILD / properties["ContentUri"]
        for name, properties in _resources(template, "AWS::Serverless::LayerVersion").items()
    }
    functions = _resources(template, "AWS::Serverless::Function")
    folders = [folder / "python" for folder in layers.values()]
    own = frozenset(entry.name for entry in (BUILD / layers["BatchyardLayer"] / "python").iterdir())

    print(f"{'layer':32} {'kB unpacked':>12} {'kB zipped':>10}")
    for name, folder in layers.items():
        print(f"{name:32} {size_of(folder)}")
    print(f"\n{'function':32} {'kB unpacked':>12} {'kB zipped':>10} {'modules':>8}  third-party packages")
    for name, properties in sorted(functions.items()):
        code = BUILD / properties["CodeUri"]
        imports = imports_of(properties["Handler"], code, folders, own)
        print(f"{name:32} {size_of(code)} {imports.modules:>8}  {' '.join(imports.packages)}")


if __name__ == "__main__":
    main()
