"""`docs/serial-moves.md`: what serials may become, and what EPCIS calls it."""

from batchyard.gs1.cbv import Meaning
from batchyard.gs1.epcis import FIRST
from batchyard.product_batches.serials.statuses import STATUSES, may_become, meaning

_HEAD = """# Moves of serials, and their events

What a serial may become, and the EPCIS 2.0 event that tells of it: action, business step and disposition of CBV 2.0.
An EPC gets one `ADD` and one `DELETE` at most; an event that was undone is withdrawn by an error declaration, and
counts no more. An empty cell is no move: such serials are left as they are (409 for one alone). `make generate` writes
this page.
"""


def text() -> str:
    """The document as it is committed."""
    rows = [
        ["from", *(f"to {status}" for status in STATUSES)],
        ["---"] * (1 + len(STATUSES)),
        ["(made)", _called(FIRST), *([""] * (len(STATUSES) - 1))],
        *([before, *(_cell(before, after) for after in STATUSES)] for before in STATUSES),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{_HEAD}\n{table}\n"


def _cell(before: str, after: str) -> str:
    if before == after or not may_become(before, after):
        return ""
    return _called(meaning(before, after))


def _called(move: Meaning) -> str:
    return f"`{move.action}` {move.biz_step} → {move.disposition}"
