"""The layer's packages with imports put off offer the same as whole ones, and import less."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_lambda_powertools
import botocore
import pytest

from layers.dependencies import slim
from tools.generate import ROOT
from tools.generate.handlers import handlers
from tools.template import template

PACKAGES = Path(botocore.__file__).parents[1]
MODULES = [name.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".") for name in slim.LAZY]


@pytest.fixture(scope="module")
def slimmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages as the layer has them; the rest is found behind it."""
    folder = tmp_path_factory.mktemp("layer")
    shutil.copytree(Path(aws_lambda_powertools.__file__).parent, folder / "aws_lambda_powertools")
    ignored = shutil.ignore_patterns("*.json.gz", "__pycache__")
    shutil.copytree(PACKAGES / "botocore", folder / "botocore", ignore=ignored)
    for name in ("pydantic", "urllib3"):
        shutil.copytree(PACKAGES / name, folder / name)
    slim.slim(folder)
    return folder


def run(code: str, *first: Path) -> Any:
    """What a process of its own prints as JSON, with these folders before the environment's packages."""
    path = [*map(str, first), str(ROOT / "functions"), str(ROOT / "layers" / "batchyard")]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
    variables["AWS_REGION"] = variables["AWS_DEFAULT_REGION"] = "eu-central-1"
    # As on AWS, as far as the template says it.
    own = template()["Globals"]["Function"]["Environment"]["Variables"]
    variables |= {name: value for name, value in own.items() if isinstance(value, str)}
    ended = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"], capture_output=True, text=True, check=False, env=variables
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("name", MODULES)
def test_a_slim_module_offers_the_same_names(slimmed: Path, name: str) -> None:
    """By its attributes, which are told by `dir`, and by `import *`."""
    code = f"""
import pickle
from importlib import import_module
module = import_module({name!r})
def kind(found):
    where = getattr(found, "__module__", None)
    if isinstance(found, type):
        assert pickle.loads(pickle.dumps(found)) is found
    return [type(found).__name__, where, getattr(found, "__qualname__", getattr(found, "__name__", None))]
offered = {{one: kind(getattr(module, one)) for one in dir(module)}}
exec("from {name} import *", every := {{}})
print(json.dumps([offered, sorted(every.keys() - {{"__builtins__"}})]))
"""
    offered, every = run(code, slimmed)
    whole_offered, whole_every = run(code)
    assert len(whole_offered) > 1
    # Modules that were brought in by others are attributes too; nobody was promised those.
    missing = whole_offered.keys() - offered.keys()
    assert {whole_offered[one][0] for one in missing} <= {"module"}
    assert {one: offered[one] for one in offered.keys() & whole_offered.keys()} == {
        one: whole_offered[one] for one in whole_offered.keys() & offered.keys()
    }
    assert set(every) >= set(whole_every)


def test_a_name_that_a_slim_module_lacks_is_an_import_error(slimmed: Path) -> None:
    code = """
import aws_lambda_powertools
try:
    from aws_lambda_powertools import Nothing
except ImportError as error:
    print(json.dumps([str(error).partition(" (")[0], hasattr(aws_lambda_powertools, "Nothing")]))
"""
    assert run(code, slimmed) == ["cannot import name 'Nothing' from 'aws_lambda_powertools'", False]


@pytest.mark.parametrize(("debug", "level"), [("1", "DEBUG"), ("0", "NOTSET"), ("", "NOTSET")])
def test_powertools_can_still_be_debugged(slimmed: Path, debug: str, level: str) -> None:
    code = f"""
import logging, os, warnings
if {debug!r}:
    os.environ["POWERTOOLS_DEBUG"] = {debug!r}
warnings.simplefilter("ignore")
import aws_lambda_powertools
logger = logging.getLogger("aws_lambda_powertools")
handlers = [type(one).__name__ for one in logger.handlers]
print(json.dumps([logging.getLevelName(logger.level), logger.propagate, handlers]))
"""
    kept = run(code, slimmed)
    assert kept == run(code)
    assert kept[0] == level


def test_every_handler_can_be_imported_and_brings_in_nothing_that_is_put_off(slimmed: Path) -> None:
    names = sorted({one.name.rpartition(".")[0] for one in handlers()})
    code = f"""
from importlib import import_module
for name in {names!r}:
    import_module(name)
print(json.dumps(sorted(sys.modules)))
"""
    loaded = set(run(code, slimmed))
    needless = {
        "aws_lambda_powertools.event_handler.appsync",
        "aws_lambda_powertools.logging.logger",
        "aws_lambda_powertools.metrics.metrics",
        "aws_lambda_powertools.utilities.data_classes.kafka_event",
        "botocore.docs.bcdoc",
        "botocore.docs.service",
        "importlib.metadata",
    }
    assert sorted(needless & loaded) == []
    # Whole ones bring in all of it: else nothing would be tested.
    assert needless <= set(run(code))


def test_plugins_of_pydantic_are_still_found(slimmed: Path, tmp_path: Path) -> None:
    information = tmp_path / "shouting-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[pydantic]\nshouting = json:JSONEncoder\n")
    code = """
import os
del os.environ["PYDANTIC_DISABLE_PLUGINS"]
from pydantic.plugin import _loader
print(json.dumps([one.__name__ for one in _loader.get_plugins()]))
"""
    assert run(code, slimmed, tmp_path) == run(code, tmp_path) == ["JSONEncoder"]


def test_http_2_still_asks_for_its_package(slimmed: Path) -> None:
    code = """
from urllib3 import http2
try:
    http2.inject_into_urllib3()
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
    assert run(code, slimmed) == run(code)


def test_a_docstring_is_still_written(slimmed: Path) -> None:
    code = """
from botocore.docs.docstring import LazyLoadedDocstring
class One(LazyLoadedDocstring):
    def _write_docstring(self, structure, text):
        structure.write(text)
print(json.dumps(str(One("A word."))))
"""
    assert run(code, slimmed) == "A word."


@pytest.mark.parametrize(
    ("needs", "stays"),
    [
        ("class C(A): pass", True),
        ("def c(a=A): pass", True),
        ("def c(a: A): pass", True),
        ("@A\ndef c(): pass", True),
        ("class C:\n    def c(self, a=A): pass", True),
        ("if A: pass", True),
        ("def c(): return A", False),
        ("class C:\n    async def c(self): return A", False),
    ],
)
def test_imports_needed_at_import_time_stay(needs: str, stays: bool) -> None:
    source = f"from one.a import A\nfrom one.b import B\nfrom .c import c\n{needs}\n"
    top = [ast.unparse(statement) for statement in ast.parse(slim.put_off(source, "one/__init__.py")).body]
    assert ("from one.a import A" in top) == stays
    assert "from one.b import B" not in top
    # The module `one.c` would take the place of what it offers.
    assert "from .c import c" in top


def test_a_function_imports_what_it_uses_and_keeps_what_is_its_own() -> None:
    source = "from .a import A\nfrom ..two.b import B\ndef c(A):\n    'Words.'\n    return A, B\n"
    changed = slim.put_off(source, "one/three/d.py")
    function = next(one for one in ast.parse(changed).body if isinstance(one, ast.FunctionDef))
    assert [ast.unparse(one) for one in function.body] == ["'Words.'", "from one.two.b import B as B", "return (A, B)"]
    assert "'A': ('one.three.a', 'A')" in changed


def test_an_import_put_off_stands_where_it_is_first_needed() -> None:
    source = """
from .a import A
def b(c):
    if c:
        return None
    try:
        with A(c):
            return 1
    except A.Error:
        return A
"""
    (function,) = (
        one
        for one in ast.parse(slim.put_off(source, "one/b.py")).body
        if isinstance(one, ast.FunctionDef) and one.name == "b"
    )
    expected = """
def b(c):
    if c:
        return None
    from one.a import A as A
    try:
        from one.a import A as A
        with A(c):
            return 1
    except A.Error:
        from one.a import A as A
        return A
"""
    assert ast.unparse(function) == expected.strip()


def test_a_module_without_imports_to_put_off_stops_the_build() -> None:
    with pytest.raises(SystemExit, match="put off"):
        slim.put_off("from __future__ import annotations\nimport other\n", "one/__init__.py")
