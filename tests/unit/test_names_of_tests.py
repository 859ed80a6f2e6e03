"""Names of tests: who greps for a thing finds its tests, so no name begins with a word for a thing named elsewhere."""

import ast
import re
from pathlib import Path

from tools.generate import ROOT

WITHOUT_A_THING = re.compile(
    r"test_(it|its|they|them|their|this|that|these|those|what|whatever|who|whoever|whose|which|whichever)_"
)


def names(file: Path) -> set[str]:
    """The names of a file's tests."""
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


TESTS = {file: names(file) for file in sorted((ROOT / "tests").rglob("test_*.py")) if "node_modules" not in file.parts}


def test_names_of_tests_begin_with_the_thing_that_is_tested() -> None:
    riddles = [
        f"{file.relative_to(ROOT)}: {name}"
        for file, found in TESTS.items()
        for name in sorted(found)
        if WITHOUT_A_THING.match(name)
    ]
    assert riddles == [], "Name what is tested, in the glossary's word: test_a_lot_…, not test_it_… or test_what_is_…"


def test_tests_named_in_documents_exist() -> None:
    files, functions = {file.stem for file in TESTS}, {name for found in TESTS.values() for name in found}
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {one for document in documents for one in re.findall(r"`(test_\w+…?)`", document.read_text())}
    assert named
    assert not [
        one
        for one in named - files - functions
        if not (one.endswith("…") and any(function.startswith(one[:-1]) for function in functions))
    ]
