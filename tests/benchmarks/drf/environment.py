"""The Django service's own environment; `python -m tests.benchmarks.drf.environment` makes it or renews it."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import environments

HERE = Path(__file__).parent


def ensure() -> Path:
    """The environment's folder, made from the pinned requirements unless it was already made from these."""
    return environments.ensure("drf", HERE / "requirements.txt")


if __name__ == "__main__":
    print(ensure())
