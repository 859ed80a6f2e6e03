"""The Django service's own environment; `python -m tests.benchmarks.drf.environment` makes it or renews it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
VENV = HERE.parents[2] / ".local" / "tools" / "drf"


def ensure() -> Path:
    """The environment's folder, made from the pinned requirements unless it was already made from these."""
    stamp = VENV / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted)
    return VENV


if __name__ == "__main__":
    print(ensure())
