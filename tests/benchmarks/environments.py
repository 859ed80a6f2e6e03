"""Environments of their own for what Batchyard is compared with."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

_TOOLS = Path(__file__).parents[2] / ".local" / "tools"


def ensure(name: str, requirements: Path) -> Path:
    """The environment's folder, made from the pinned requirements unless it was already made from these."""
    folder = _TOOLS / name
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", str(requirements)], check=True)
        stamp.write_text(wanted)
    return folder
