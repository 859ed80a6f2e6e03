"""`python -m tools.generate`: write what is computed from the code; `--check` only tells what is stale."""

import argparse
import sys

from tools.generate import Unfit
from tools.generate.products import products, stale, write


def main(arguments: list[str] | None = None) -> int:
    """Writes or compares; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description="Writes what the code determines.")
    parser.add_argument("--check", action="store_true", help="write nothing; leave with 1 if something is stale")
    check: bool = parser.parse_args(arguments).check
    try:
        if not check:
            write(products())
            return 0
        found = list(stale(products()))
    except Unfit as error:
        print(error, file=sys.stderr)
        return 1
    for file, difference in found:
        print(f"{file} is stale:\n{difference}")
    if found:
        print("`make generate` writes what is stale anew.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
