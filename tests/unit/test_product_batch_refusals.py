"""What product batches refuse by names of their own: all of it is said in one module."""

import ast
import inspect
from collections.abc import Callable

import pytest

from batchyard.errors import BatchyardError
from batchyard.product_batches import parameters, refusals
from batchyard.serial_codes import INVALID_CODE, codes
from tools.generate import ROOT

FAMILY = [ROOT / "layers/batchyard/batchyard/product_batches", ROOT / "functions/product_batches"]
MODULES = sorted(path for folder in FAMILY for path in folder.rglob("*.py") if path.name != "refusals.py")

RAISED: dict[str, Callable[[], BatchyardError]] = {
    "ALREADY_PRINTED": lambda: refusals.already_printed(["gtin"]),
    "AMBIGUOUS_BATCH": lambda: refusals.ambiguous_batch(["a", "b"]),
    "BATCH_EXISTS": lambda: refusals.batch_exists("L1"),
    "BATCH_NOT_ACTIVE": lambda: refusals.batch_not_active("recalled", ["stolen"]),
    "CHANGED_SINCE": lambda: refusals.changed_since(3, "c"),
    "DISPENSED_FOR_GOOD": lambda: refusals.dispensed_for_good("active", "anna", "2026-01-01T00:00:00.000000Z"),
    "DRAFT_BATCH": refusals.draft_batch,
    "FINAL_STATUS": lambda: refusals.final_status("destroyed", []),
    "IN_CIRCULATION": lambda: refusals.in_circulation("exported"),
    "NO_GTIN": refusals.no_gtin,
    "REPEATED_LOT": lambda: refusals.repeated_lot("barolo", "L1"),
    "SERIALS_IN_USE": lambda: refusals.serials_in_use(3, "stolen"),
    "TOLD_TOO_OFTEN": refusals.told_too_often,
    "TOO_MANY_PARTS": refusals.too_many_parts,
    "UNKNOWN_SERIAL": refusals.unknown_serial,
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_refusals_module_gives_an_error_a_code(path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if any(keyword.arg == "code" for keyword in call.keywords)]


def test_each_refusal_has_an_error_code_of_its_own() -> None:
    functions = {name for name, _ in inspect.getmembers(refusals, inspect.isfunction) if not name.startswith("_")}
    assert functions == {name.lower() for name in RAISED}
    assert {name: refuse().code for name, refuse in RAISED.items()} == {name: name for name in RAISED}
    assert RAISED.keys() | {INVALID_CODE} == refusals.KINDS.keys()


def test_a_malformed_code_is_refused_by_the_familys_error_code() -> None:
    with pytest.raises(refusals.KINDS["INVALID_CODE"]) as refused:
        codes.normalize("!")
    assert refused.value.code == "INVALID_CODE"


def test_the_document_lists_all_refusals() -> None:
    told = {
        name
        for response in parameters.documented(200, None, 400, 404, 409).values()
        for body in response.get("content", {}).values()
        for name in body["schema"]["properties"]["errorCode"]["enum"]
    }
    assert refusals.KINDS.keys() <= told
