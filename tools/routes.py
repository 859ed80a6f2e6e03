"""`python -m tools.routes`: write the table of routes, for the functions that have to route by themselves.

Each function registers its own route; `functions/gateway/routes.json` says which module that is, so that a batch can
hand a request to it and the fallback can tell 405 from 404 without importing all of them. `--check` tells whether the
table still says what the code says.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

from batchyard.http.app import App

FUNCTIONS = Path("functions")
TABLE = FUNCTIONS / "gateway" / "routes.json"


def table(functions: Path = FUNCTIONS) -> dict[str, dict[str, str]]:
    """The paths of all functions, their methods, and the modules that serve them."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(functions.rglob("*.py")):
        module = ".".join(path.relative_to(functions).with_suffix("").parts)
        app = getattr(importlib.import_module(module), "app", None)
        if isinstance(app, App):
            for method, route in app.served():
                found.setdefault(route, {})[method] = module
    return {path: dict(sorted(methods.items())) for path, methods in sorted(found.items())}


def main() -> int:
    """Writes or checks the table; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.routes", description="Write the table of routes.")
    parser.add_argument("--check", action="store_true", help="only tell whether it is up to date")
    text = json.dumps(table(), indent=2) + "\n"
    if not parser.parse_args().check:
        TABLE.write_text(text)
        return 0
    if TABLE.read_text() == text:
        return 0
    print(f"{TABLE} is out of date: run `python -m tools.routes`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
