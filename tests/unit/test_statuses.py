"""What the families say of a status, said once: who else has a word for it follows the family's table."""

import pytest

from batchyard.batch_requests import rules as batch_requests
from batchyard.gs1 import epcis
from batchyard.product_batches.serials import statuses


@pytest.mark.parametrize("status", sorted({*statuses.STATUSES, *epcis.MEANINGS}))
def test_each_status_of_a_serial_has_a_meaning_in_epcis(status: str) -> None:
    assert status in statuses.TABLE, "EPCIS has a name for what is no status"
    assert status in epcis.MEANINGS, "exports in EPCIS would fail on it"


@pytest.mark.parametrize("status", statuses.STATUSES)
def test_a_serial_is_left_to_statuses_that_there_are(status: str) -> None:
    assert (statuses.TABLE[status].left_to or set()) <= set(statuses.STATUSES)


@pytest.mark.parametrize("status", batch_requests.STATUSES)
def test_a_batch_request_moves_to_statuses_that_there_are(status: str) -> None:
    assert {*batch_requests.MOVES[status]} <= set(batch_requests.STATUSES)
