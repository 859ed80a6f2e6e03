"""What can be computed from the functions is not written by hand: `python -m tools.generate` writes it.

Each product is a module: a function of the code, and of the parts of the template beside it, that returns text. What is
written is committed, so that it can be read and reviewed, and `--check` compares it.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""

FUNCTIONS = ROOT / "functions"
"""The functions' code, a folder for each family."""


class Unfit(Exception):
    """The functions, or they and the parts of the template, do not make one system; the message says where."""
