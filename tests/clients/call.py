"""Calls a function of a module beside this one with the JSON on standard input, and prints what it returns as JSON."""

import contextlib
import importlib
import json
import sys


def main(module: str, name: str) -> None:
    given = json.load(sys.stdin)
    # Packages print, too; what they say is not what was returned.
    with contextlib.redirect_stdout(sys.stderr):
        returned = getattr(importlib.import_module(module), name)(given)
    print(json.dumps(returned, default=str))


main(*sys.argv[1:])
