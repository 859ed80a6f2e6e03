"""Everything that is generated, and whether what is committed is that."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from batchyard.catalogue.entity_sets.model import MODEL
from tools.generate import FUNCTIONS, ROOT, csdl, events, moves, openapi, routes, template
from tools.generate.handlers import handlers
from tools.generate.parts import parts

_EXCERPT = 24


@dataclass(frozen=True, slots=True)
class Product:
    """Files that are generated together.

    Args:
        texts: What they hold, by paths relative to the project.
        folder: A folder that holds no other files, relative to the project.
        meaning: What of a text counts when it is compared.
    """

    texts: Mapping[Path, str]
    folder: Path | None = None
    meaning: Callable[[str], Any] = str

    def left_over(self, root: Path) -> list[Path]:
        """Files that nothing generates any more."""
        if self.folder is None:
            return []
        there = {file.relative_to(root) for file in (root / self.folder).rglob("*.json")}
        return sorted(there - self.texts.keys())


def products() -> Iterator[Product]:
    """All of them, computed from the code as it is; each when it is asked for, since samples are made of the template.

    Raises:
        Unfit: The code does not make one system.
    """
    known = list(handlers())
    own = {
        FUNCTIONS / "gateway" / "routes.json": routes.text(known),
        FUNCTIONS / "odata" / "metadata.xml": csdl.document(MODEL),
        ROOT / "template.yaml": template.text(parts(), known),
        ROOT / "docs" / "serial-moves.md": moves.text(),
    }
    yield Product({file.relative_to(ROOT): text for file, text in own.items()})
    yield Product({(FUNCTIONS / "docs" / "openapi.json").relative_to(ROOT): openapi.text(known)})
    yield Product(
        {file.relative_to(ROOT): text for file, text in events.texts().items()},
        events.FOLDER.relative_to(ROOT),
        events.meaning,
    )


def write(made: Iterable[Product], root: Path = ROOT) -> None:
    """Writes what is not as it should be, and removes what nothing generates any more."""
    for product in made:
        for file, text in product.texts.items():
            if not _is_fresh(product, root / file, text):
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(text)
        for file in product.left_over(root):
            (root / file).unlink()


def stale(made: Iterable[Product], root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """The files that are not as they should be, each with the beginning of what differs.

    Nothing is compared with what is made of a stale file.
    """
    for product in made:
        is_fresh = True
        for file, text in product.texts.items():
            if not _is_fresh(product, root / file, text):
                committed = (root / file).read_text() if (root / file).exists() else ""
                is_fresh = False
                yield file, _difference(file, committed, text)
        for file in product.left_over(root):
            yield file, "nothing generates it any more\n"
        if not is_fresh:
            return


def _is_fresh(product: Product, file: Path, text: str) -> bool:
    if not file.exists():
        return False
    committed = file.read_text()
    if committed == text:
        return True
    try:
        return bool(product.meaning(committed) == product.meaning(text))
    except ValueError:
        # What was committed cannot even be read.
        return False


def _difference(file: Path, committed: str, wanted: str) -> str:
    lines = difflib.unified_diff(
        committed.splitlines(True), wanted.splitlines(True), f"{file} as it is", f"{file} as the code has it", n=1
    )
    shown = list(islice(lines, _EXCERPT + 1))
    return "".join(shown[:_EXCERPT]) + ("…\n" if len(shown) > _EXCERPT else "")
