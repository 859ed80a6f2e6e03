"""What documents and code refer to is there: files, headings, and modules that the glossary and the recipes name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.generate import ROOT

PACKAGE = ROOT / "layers" / "batchyard" / "batchyard"
FOLDERS = ("docs", "functions", "layers", "tests", "tools")


def ours(*kinds: str) -> list[Path]:
    """Files of these kinds, without those of packages."""
    found = [file for folder in FOLDERS for kind in kinds for file in (ROOT / folder).rglob(kind)]
    return sorted(file for file in found if "node_modules" not in file.parts)


DOCUMENTS = sorted([*ROOT.glob("*.md"), *ours("*.md")])
CODE = ours("*.py", "*.yaml")


def anchors(document: Path) -> set[str]:
    """What GitHub calls the headings of a document."""
    headings = re.findall(r"(?m)^#+ (.+)$", document.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing(base: Path, targets: list[str]) -> Iterator[str]:
    """Of targets `path#anchor`, relative to a folder, those that are not there."""
    for target in targets:
        path, _, anchor = target.partition("#")
        document = base / path
        if not document.exists() or (anchor and anchor not in anchors(document)):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_of_documents_have_targets(document: Path) -> None:
    targets = [one for one in re.findall(r"\]\(([^)\s]+)\)", document.read_text()) if "://" not in one]
    within = [document.name + one for one in targets if one.startswith("#")]
    assert not list(missing(document.parent, within + [one for one in targets if not one.startswith("#")]))


def test_code_cites_decisions_that_stand() -> None:
    cited = [one for file in CODE for one in re.findall(r"docs/\w+\.md#[\w-]+", file.read_text())]
    assert not list(missing(ROOT, cited))


def test_each_decision_has_its_day() -> None:
    headings = re.findall(r"(?m)^## (.+)\n(.*)$", (ROOT / "docs" / "decisions.md").read_text())
    assert len(headings) > 100
    assert [heading for heading, day in headings if not re.fullmatch(r"\*\d{4}-\d{2}-\d{2}\*", day)] == []


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/glossary.md"])
def test_files_named_in_documents_exist(document: str) -> None:
    named = re.findall(r"`([\w./-]+/(?:[\w.-]+\.\w+)?|[\w.-]+\.py)`", (ROOT / document).read_text())
    named = [one for one in named if not one.startswith(".local/")]
    assert len(named) > 20
    folders = (ROOT, PACKAGE, ROOT / "tests" / "integration", *(one for one in PACKAGE.iterdir() if one.is_dir()))
    assert [one for one in named if not any((folder / one).exists() for folder in folders)] == []


def test_each_folder_of_the_package_says_what_it_is_for() -> None:
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    assert not [folder for folder in sorted(folders) if not (folder / "README.md").exists()]
