"""A function imports what its route needs, and nothing that only others need: a cold start is import time.

What a function needs is read off what it says of itself: its permissions, its method, what it answers. So a new one is
looked at without being named here.
"""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tools.generate import ROOT
from tools.generate.cloudformation import as_list
from tools.generate.handlers import Handler, handlers
from tools.template import resources

_PATHS = [str(ROOT / "functions"), str(ROOT / "layers" / "batchyard")]
_POLICIES = {
    properties["Handler"]: properties.get("Policies", [])
    for properties in resources("AWS::Serverless::Function").values()
}


def is_a_route(handler: Handler) -> bool:
    return handler.app is not None


def reads_codes(handler: Handler) -> bool:
    """Whether every call makes or reads codes, for which it has to have the keys. Changes look whether they have to."""
    actions = {
        action
        for policy in _POLICIES[handler.name]
        for statement in policy["Statement"]
        for action in as_list(statement["Action"])
    }
    return "secretsmanager:GetSecretValue" in actions and (handler.route is None or handler.route[0] == "GET")


def draws(handler: Handler) -> bool:
    """Whether it answers pictures."""
    app = handler.app
    routes = [*app._static_routes, *app._dynamic_routes] if app is not None else []
    answers = [answer for one in routes for answer in (one.responses or {}).values()]
    return any("image/svg+xml" in answer.get("content", {}) for answer in answers)


def never(handler: Handler) -> bool:
    return False


NEEDED: dict[str, Callable[[Handler], bool]] = {
    "aws_lambda_powertools": is_a_route,
    "pydantic": is_a_route,
    "cryptography": reads_codes,
    "zxingcpp": draws,
    "boto3": never,
}


def first_importer(package: str, modules: list[str]) -> str:
    """The first of the modules that brings in a package, in a process of their own; empty if none does."""
    code = (
        "import importlib, sys\n"
        f"sys.path[:0] = {_PATHS!r}\n"
        f"for module in {modules!r}:\n"
        "    importlib.import_module(module)\n"
        f"    if {package!r} in sys.modules:\n"
        "        print(module)\n"
        "        break\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# The function of `$batch` needs what the routes need that are called in it, when they are.
@pytest.mark.parametrize("package", NEEDED)
def test_a_function_starts_with_no_more_than_it_needs(package: str) -> None:
    without = [handler.module.__name__ for handler in handlers() if not NEEDED[package](handler)]
    assert len(without) > 3
    assert first_importer(package, without) == ""


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("pydantic", "product_batches.list"),
        ("cryptography", "product_batches.lookup"),
        ("cryptography", "product_batches.write_export"),
        ("zxingcpp", "product_batches.sheet"),
    ],
)
def test_modules_that_a_function_needs_are_seen(package: str, module: str) -> None:
    (handler,) = (handler for handler in handlers() if handler.module.__name__ == module)
    assert NEEDED[package](handler)
    assert first_importer(package, ["product_batches.publish", module]) == module


def test_pydantic_models_are_built_on_first_use() -> None:
    """Those of answers are in the document alone: each start would build them for nothing."""
    code = (
        "import importlib, sys\n"
        f"sys.path[:0] = {_PATHS!r}\n"
        f"for module in {[handler.module.__name__ for handler in handlers()]!r}:\n"
        "    importlib.import_module(module)\n"
        "from pydantic import BaseModel\n"
        "found = [BaseModel]\n"
        "for model in found:\n"
        "    found += model.__subclasses__()\n"
        "own = {model for model in found if model.__module__.startswith('batchyard.')}\n"
        "print(len(own) > 50, *sorted(model.__qualname__ for model in own if model.__pydantic_complete__))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found == ["True"]
