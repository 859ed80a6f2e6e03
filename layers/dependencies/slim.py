"""Puts off imports that the functions never need, as a step of the layer's build.

A package whose `__init__` imports all of its modules makes each function pay for all of them. Here such a module
imports what it offers when that is asked for (PEP 562), and not before. What it offers stays the same.

    python slim.py <folder that holds the packages>
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LAZY = (
    "aws_lambda_powertools/event_handler/__init__.py",
    "aws_lambda_powertools/logging/__init__.py",
    "aws_lambda_powertools/metrics/__init__.py",
    "aws_lambda_powertools/tracing/__init__.py",
    "aws_lambda_powertools/utilities/data_classes/__init__.py",
    "aws_lambda_powertools/__init__.py",
    # Its names are used where docstrings are written, which nobody reads here.
    "botocore/docs/__init__.py",
    "botocore/docs/docstring.py",
    # They ask which packages are installed: for HTTP/2, which AWS's services do not speak, and for plugins.
    "urllib3/http2/__init__.py",
    "pydantic/plugin/_loader.py",
)
"""Modules whose imports are needed by nothing that runs when they are imported."""

REPLACED = {
    # It would bring in powertools' logger. That is needed only where powertools itself is debugged.
    "set_package_logger_handler()": """
import logging as _logging
import os as _os
if _os.environ.get("POWERTOOLS_DEBUG"):
    from aws_lambda_powertools import package_logger
    package_logger.set_package_logger_handler()
else:
    _logging.getLogger(__name__).addHandler(_logging.NullHandler())
    _logging.getLogger(__name__).propagate = False
""",
}
"""What a module calls when it is imported, and what takes the place of that."""

# `_LATER` has for each name the module that offers it and its name there, which is empty for the module itself.
_ON_DEMAND = """

def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    origin, wanted = _LATER[name]
    found = import_module(origin)
    if wanted:
        found = getattr(found, wanted)
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *_LATER})
"""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def slim(packages: Path, modules: tuple[str, ...] = LAZY) -> None:
    """Puts off the imports of these modules in a folder of packages."""
    for module in modules:
        file = packages / module
        file.write_text(put_off(file.read_text(), module))


def put_off(source: str, file: str) -> str:
    """A module's source that imports what it offers from others when that is asked for.

    Args:
        source: The module's source.
        file: Where it is among the packages, by which its own package is known.
    """
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package = name if file.endswith("__init__.py") else name.rpartition(".")[0]
    body = [
        replaced
        for statement in ast.parse(source).body
        for replaced in ast.parse(REPLACED.get(ast.unparse(statement), ast.unparse(statement))).body
    ]
    origins = {
        statement: _origin(statement, package)
        for statement in body
        if isinstance(statement, ast.ImportFrom) and statement.module not in {None, "__future__"}
    }
    rest = [statement for statement in body if statement not in origins]
    at_import = {node.id for statement in rest for node in _run_at_import(statement) if isinstance(node, ast.Name)}
    delayed = [one for one, origin in origins.items() if not (at_import | {_last(origin)}) & _names(one)]
    if not delayed:
        raise SystemExit(f"{file} has no imports that could be put off")
    later = {alias.asname or alias.name: (origins[one], alias.name) for one in delayed for alias in one.names}
    kept = [statement for statement in body if statement not in delayed]
    _import_where_used(kept, later)
    submodules = _submodules(name, [origins[one] for one in delayed])
    return f"{ast.unparse(ast.Module(kept, []))}\n\n_LATER = {submodules | later!r}\n{_ON_DEMAND}"


def _origin(statement: ast.ImportFrom, package: str) -> str:
    """The module that something is imported from, by its full name."""
    module = statement.module or ""
    if not statement.level:
        return module
    return ".".join([*package.split(".")[: 1 - statement.level or None], module])


def _last(module: str) -> str:
    """Its own name: where it offers something of the same name, that would take its place in the package."""
    return module.rpartition(".")[2]


def _names(statement: ast.ImportFrom) -> set[str]:
    return {alias.asname or alias.name for alias in statement.names}


def _submodules(package: str, origins: list[str]) -> dict[str, tuple[str, str]]:
    """What importing these modules adds to the package: they become attributes of it."""
    within = {one.removeprefix(f"{package}.").partition(".")[0] for one in origins if one.startswith(f"{package}.")}
    return {name: (f"{package}.{name}", "") for name in sorted(within)}


def _import_where_used(block: list[ast.stmt], later: dict[str, tuple[str, str]]) -> None:
    """Has functions import what they use, just before that: a module's `__getattr__` is not asked from within."""
    for statement in list(block):
        blocks = _blocks(statement)
        inner = [node for one in blocks for child in one for node in ast.walk(child)]
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and node not in inner}
        before = block.index(statement)
        block[before:before] = [
            ast.ImportFrom(origin, [ast.alias(wanted, name)], 0)
            for name, (origin, wanted) in later.items()
            if name in used
        ]
        own = _own_names(statement) if isinstance(statement, _FUNCTIONS) else set()
        for one in blocks:
            _import_where_used(one, {name: where for name, where in later.items() if name not in own})


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks of a statement that has some."""
    parts = [statement, *getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    found = [getattr(part, name, []) for part in parts for name in ("body", "orelse", "finalbody")]
    return [one for one in found if one]


def _own_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """What a function takes, and what it assigns."""
    nodes = list(ast.walk(function))
    taken = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return taken | {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that are evaluated when the module is: all but the bodies of functions."""
    yield node
    bodies = node.body if isinstance(node, _FUNCTIONS) else []
    for child in ast.iter_child_nodes(node):
        if child not in bodies:
            yield from _run_at_import(child)


def main(arguments: list[str]) -> None:
    """Does so in the folder that is named on the command line."""
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    slim(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
