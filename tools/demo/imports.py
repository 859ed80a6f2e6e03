"""Files that become products, by the client for people: refused, mended, imported, exported, imported again, undone.

In the end the catalogue is what it was, byte for byte. What another shop has exported comes last, and stays.
"""

import csv
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from batchyard.catalogue.reference import SalesChannel
from tools import environment
from tools.demo import sheets
from tools.demo.client import Client, Differs, Json
from tools.demo.goods import JOBS, Row, rows_in, same_rows
from tools.demo.person import Person
from tools.demo.sheets import Sheet
from tools.jobs import endings

FOLDER = environment.FILE.parent / "demo"
"""Where the files are: to be looked at, and to be tried again."""

SEASON, MISTAKEN = FOLDER / "spring.csv", FOLDER / "spring-with-mistakes.csv"
_ERRORS = MISTAKEN.with_suffix(".errors.csv")
_EXPORTED, _EXPORTED_AGAIN = FOLDER / "spring-exported.csv", FOLDER / "spring-exported-again.csv"
_BEFORE, _AFTER = FOLDER / "catalogue-before.csv", FOLDER / "catalogue-after.csv"
_SHOP = FOLDER / "catalogue-shopify.csv"


@dataclass(frozen=True, slots=True)
class Imported:
    """What the imports showed.

    Args:
        products: How many products the largest file has.
        rows: How many rows.
        seconds: From calling the client to the end of the import.
        mistakes: How many mistakes were told.
        size: Bytes of the catalogue as a file, before and after.
    """

    products: int
    rows: int
    seconds: float
    mistakes: int
    size: int


def play_imports(person: Person, client: Client, count: int, channels: Mapping[str, SalesChannel]) -> Imported:
    """Imports files; raises `Differs` as soon as something is not what it must be.

    Args:
        person: Who calls the client.
        client: Looks at what becomes of it.
        count: How many products the largest file has.
        channels: The sales channels by their IDs.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Of its own: what a run that was stopped has left is in nobody's way.
    tag = f"spring-{datetime.now(UTC):%H%M%S}"
    person.remark("The whole catalogue as a file, to compare it with what it is in the end.")
    before = _export(person, _BEFORE)
    sheet = sheets.season(SEASON, count, tag, channels)
    mistakes = _import_mistakes(person, client, sheet)
    sheet.write()
    person.remark("The same file without the mistakes: shown first, written after a yes.")
    begun = time.monotonic()
    person("import", str(SEASON))
    seconds = time.monotonic() - begun
    made = _newest(client, PRODUCT_CREATE=count, VARIANT_CREATE=len(sheet.rows))
    person.remark(
        "What was imported, exported. Imported again as it is, it changes nothing: the next export is the same."
    )
    exported = _export(person, _EXPORTED, "--filter", f"tags={tag}")
    same_rows([_without_ids(row) for row in rows_in(exported.decode())], sheet.rows)
    person("import", str(_EXPORTED), "--yes")
    again = _newest(client, PRODUCT_UPDATE=count, VARIANT_UPDATE=len(sheet.rows))
    if _export(person, _EXPORTED_AGAIN, "--filter", f"tags={tag}") != exported:
        raise Differs("an export that was imported is another one afterwards")
    person.remark("Both imports are taken back, the last one first. The catalogue is what it was before.")
    person("undo", again["id"])
    person("undo", made["id"])
    if _export(person, _AFTER) != before:
        raise Differs("the catalogue is another one than before the imports that were undone")
    _import_from_shopify(person)
    return Imported(count, len(sheet.rows), seconds, mistakes, len(before))


def _import_mistakes(person: Person, client: Client, sheet: Sheet) -> int:
    """A file with mistakes is refused as a whole; how many there were."""
    faulty, mistakes = sheets.with_mistakes(sheet, MISTAKEN)
    faulty.write()
    _ERRORS.unlink(missing_ok=True)
    person.remark(f"{len(sheet.rows):,} rows with {len(mistakes)} mistakes in them: nothing is imported.")
    person("import", str(MISTAKEN), ends=endings.FAILED)
    told = client.get(JOBS, query=[("limit", 1)])["batch_jobs"][0]["result"]["errors"]
    if (found := {(error["line"], error["column"]) for error in told}) != mistakes:
        raise Differs(f"mistakes are told in {sorted(found)} instead of {sorted(mistakes)}")
    with _ERRORS.open(encoding="utf-8", newline="") as file:
        left_out = list(csv.DictReader(file, delimiter=";"))
    found_rows = [{title: cell for title, cell in row.items() if cell} for row in left_out if row["Error Message"]]
    same_rows(
        [{title: row[title] for title in row if not title.startswith("Error ")} for row in found_rows],
        [{title: cell for title, cell in faulty.rows[line - 1].items() if cell} for line, _ in sorted(mistakes)],
    )
    return len(mistakes)


def _import_from_shopify(person: Person) -> None:
    person.remark("The file of another shop. These products stay, and are found by their handles the next time.")
    person("import", _shown(sheets.SHOPIFY), "--dialect", "shopify", "--currency", "eur", "--match", "handle")
    rows = rows_in(_export(person, _SHOP, "--filter", f"tags={sheets.FROM_SHOPIFY_TAG}").decode())
    same_rows([_like(row, sheets.FROM_SHOPIFY[0]) for row in rows], sheets.FROM_SHOPIFY)


def _export(person: Person, out: Path, *filters: str) -> bytes:
    out.unlink(missing_ok=True)
    person("export", *filters, "--out", str(out))
    return out.read_bytes()


def _newest(client: Client, **operations: int) -> Json:
    """The job that was made last, which must have done this."""
    job = client.get(JOBS, query=[("limit", 1)])["batch_jobs"][0]
    done = {name: count for name, count in job["result"]["operations"].items() if count}
    if (job["status"], done) != ("completed", operations):
        raise Differs(f"an import of {operations} is {job['status']} with {done}")
    return job


def _without_ids(row: Row) -> Row:
    return {title: cell for title, cell in row.items() if title not in sheets.IDS}


def _like(row: Row, wanted: Row) -> Row:
    """Those cells of a row that are compared."""
    return {title: row[title] for title in wanted if title in row}


def _shown(path: Path) -> str:
    """A path as somebody here types it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
